import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { SLOWNESS } from '../../src/executor/constants.ts';
import { runTool } from '../../src/executor/tool.ts';
import { containerLeftovers } from '../conformance/engine/container-leftovers.ts';
import { until } from '../until.ts';

/** Where systemd runs the machine and this process is its root: scripts/test-v2.sh makes one, with a user `gadus`. */
const skip = existsSync('/run/systemd/system') && process.getuid?.() === 0 ? false : 'not root of a machine of systemd\'s';
const RUNTIME = process.env['GADUS_TEST_RUNTIME'] ?? 'runc';
const PROGRAM = [process.execPath, path.join(import.meta.dirname, 'run-job.ts')];
/** As docs/operating-a-node.md has it. */
const SERVICE = ['--property=KillMode=mixed', '--property=TimeoutStopSec=60'];
const DELEGATE = '--property=Delegate=cpu memory pids';
let serial = 0;

interface Node { directory: string; log(): string; pid(): number }

/** Starts run-job.ts in some way, and waits for its job. */
async function node(owner: number, start: (program: string[], log: string) => Promise<unknown>): Promise<Node> {
  const directory = mkdtempSync('/var/tmp/gadus-unit-');
  chmodSync(directory, 0o711);
  chownSync(directory, owner, owner);
  return again({ directory, log: () => readIfThere(path.join(directory, 'log')), pid() { return Number(/started (\d+)/.exec(this.log())?.[1]); } }, start);
}

async function again(made: Node, start: (program: string[], log: string) => Promise<unknown>): Promise<Node> {
  await runTool('rm', ['-f', path.join(made.directory, 'log')]);
  await start([...PROGRAM, made.directory, RUNTIME], path.join(made.directory, 'log'));
  await until(() => `the job has started: ${made.log()}`, () => made.log().includes('started '));
  return made;
}

/** As a service of the machine's root. */
const asService = (unit: string, ...properties: string[]) => (program: string[], log: string) =>
  runTool('systemd-run', ['--quiet', '--collect', `--unit=${unit}`, `--property=StandardOutput=append:${log}`, `--property=StandardError=append:${log}`, ...properties, ...program]);

/** A shell's words in a session of the user's. */
const inSession = (script: string, ...options: string[]) => runTool('systemd-run', ['--quiet', '--collect', '--uid=gadus', '--property=PAMName=login', ...options, 'sh', '-c', script], { accept: [1] });

/** The directory of the job's group. */
async function groupOf({ directory }: Node): Promise<string> {
  const [run = ''] = readdirSync(path.join(directory, 'state/runs'));
  // Groups that go meanwhile are nothing to complain of.
  const { stdout } = await runTool('find', ['/sys/fs/cgroup', '-type', 'd', '-name', `gadus-*-${run}`], { accept: [1] });
  const [group, ...others] = stdout.trim().split('\n');
  assert.ok(group !== undefined && group !== '' && others.length === 0, `one group: ${stdout}`);
  return group;
}

const leftovers = ({ directory }: Node) => containerLeftovers(path.join(directory, 'state'));
const share = (group: string) => readIfThere(path.join(group, 'cpu.max')).trim();

async function nothingLeft(of: Node): Promise<void> {
  let left: string[] = [];
  await until(() => `nothing is left: ${left.join('\n')}`, async () => (left = await leftovers(of)).length === 0, { timeoutMs: 30_000 * SLOWNESS });
}

// As with somebody logged in: else the user's manager goes with the process of the session that is killed, and the keeper with it.
before(async () => { if (skip === false) await runTool('loginctl', ['enable-linger', 'gadus']); });

test('a job of root\'s keeps its share of the CPU, whatever other units come and go', { skip }, async () => {
  const unit = `gadus-test-${serial++}`;
  const made = await node(0, asService(unit, ...SERVICE));
  const group = await groupOf(made);
  assert.match(group, /^\/sys\/fs\/cgroup\/gadus\.slice\/gadus-[^/]+\.scope\//);
  assert.equal(share(group), '20000 100000');
  const { stdout: before } = await runTool('systemctl', ['show', '--property=Before', '--value', path.basename(path.dirname(group))]);
  assert.ok(before.includes(`${unit}.service`), 'at the end of all it outlives the service, which ends the jobs');
  await runTool('systemctl', ['daemon-reload']);
  assert.equal(share(group), '20000 100000');
  await runTool('systemd-run', ['--quiet', '--wait', '--collect', '--property=CPUWeight=50', 'true']);
  await runTool('systemctl', ['daemon-reload']);
  assert.equal(share(group), '20000 100000');
  await runTool('systemctl', ['stop', unit]);
  assert.match(made.log(), /aborted/);
  await nothingLeft(made);
  await until('its scope is gone', async () => !(await runTool('systemctl', ['list-units', '--plain', '--no-legend', 'gadus-*.scope'])).stdout.includes('gadus-'));
});

test('a job of root\'s ends with the service\'s process, which is killed, however systemd kills what is left of it', { skip }, async () => {
  for (const properties of [SERVICE, [], ['--property=Delegate=yes']]) {
    const unit = `gadus-test-${serial++}`;
    const made = await node(0, asService(unit, ...properties));
    process.kill(made.pid(), 'SIGKILL');
    await nothingLeft(made);
    await runTool('systemctl', ['stop', unit], { accept: [5] });
  }
});

test('a job of root\'s ends with a process of a session\'s, and both with the session', { skip }, async () => {
  const made = await node(0, (program, log) => runTool('systemd-run', ['--quiet', '--collect', '--property=PAMName=login', 'sh', '-c', `exec ${program.join(' ')} >> ${log} 2>&1`]));
  process.kill(made.pid(), 'SIGKILL');
  await nothingLeft(made);
});

test('a user\'s node runs in a scope of a session\'s, and its jobs end with it', { skip }, async () => {
  const made = await node(1000, (program, log) => inSession(`exec systemd-run --user --scope "${DELEGATE}" ${program.join(' ')} >> ${log} 2>&1`));
  const group = await groupOf(made);
  assert.match(group, /user@1000\.service\/.*\.scope\//);
  assert.equal(share(group), '20000 100000');
  await runTool('systemctl', ['daemon-reload']);
  assert.equal(share(group), '20000 100000');
  process.kill(made.pid(), 'SIGKILL');
  await nothingLeft(made);
});

test('a user\'s node is a service of the user\'s manager: stopped it ends its jobs, killed systemd does, and what that leaves is swept at the next start', { skip }, async () => {
  const asUsers = (program: string[], log: string) => inSession([
    'mkdir -p ~/.config/systemd/user',
    `printf '%s\\n' '[Service]' 'ExecStart=${program.join(' ')}' 'Delegate=cpu memory pids' KillMode=mixed TimeoutStopSec=60 'StandardOutput=append:${log}' 'StandardError=append:${log}' > ~/.config/systemd/user/gadus.service`,
    'systemctl --user daemon-reload', 'systemctl --user start gadus.service',
  ].join(' && '), '--wait');
  const made = await node(1000, asUsers);
  assert.equal(share(await groupOf(made)), '20000 100000');
  await inSession('systemctl --user stop gadus.service', '--wait');
  assert.match(made.log(), /aborted/);
  await nothingLeft(made);
  await again(made, asUsers);
  process.kill(made.pid(), 'SIGKILL');
  await until('systemd has killed the job', async () => (await leftovers(made)).every((one) => one.startsWith('file ')));
  await again(made, asUsers);
  assert.equal(readdirSync(path.join(made.directory, 'state/runs')).length, 1, 'the new run\'s alone');
  await inSession('systemctl --user stop gadus.service', '--wait');
  await nothingLeft(made);
});

test('a user to whom the CPU is not delegated is told so, and how it is', { skip }, async () => {
  const { stdout } = await inSession(`exec systemd-run --user --scope --property="Delegate=memory pids" --property=Slice=x.slice ${process.execPath} ${path.join(import.meta.dirname, '../../src/cli/main.ts')} doctor --json; true`, '--wait', '--pipe');
  assert.match(stdout, /not delegated to this user with cpu, memory and pids/);
});

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
