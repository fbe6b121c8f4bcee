import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { JobClaims } from '../../src/client/book/job-claims.ts';
import { writeProfile } from '../../src/client/index.ts';
import { which } from '../../src/executor/container/runtime.ts';
import { startGadus, type Outcome, type Started } from '../cli.ts';
import { useNetwork } from '../network.ts';
import { until } from '../until.ts';

describe('the command line', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, noopEngine: true }) });
  let home: string;
  let work: string;
  before(async () => {
    const net = network();
    home = join(net.dir, 'home');
    work = join(net.dir, 'work');
    mkdirSync(work);
    const { key } = await net.account();
    await writeProfile(join(home, 'profile.json'), { ...net.profile, key });
    await writeFile(join(work, 'quiet.yaml'), 'engine: noop\ncommand: ["true"]\nverification: { replicas: 2 }\n');
  });

  const start = (...args: string[]): Started => startGadus(args, { env: { GADUS_HOME: home }, cwd: work });
  /** Runs a command that must end with this code. */
  const gadus = async (code: number, ...args: string[]): Promise<Outcome> => {
    const outcome = await start(...args).ended;
    assert.equal(outcome.code, code, `gadus ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}`);
    return outcome;
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- what a script would see
  const json = async (code: number, ...args: string[]): Promise<any> => JSON.parse((await gadus(code, '--json', ...args)).stdout);
  /** The error on stderr of a command with --json. */
  const error = async (code: number, ...args: string[]): Promise<{ code: string; message: string; details?: string; hint?: string }> => (
    (JSON.parse((await gadus(code, '--json', ...args)).stderr) as { error: { code: string; message: string } }).error);

  test('run: shows the log, fetches the result, gives the job\'s exit code', async () => {
    await writeFile(join(work, 'names.txt'), 'cod\nhaddock\npollack\n');
    const { stdout, stderr } = await gadus(3, 'run', '-i', 'names.txt', '-o', 'sorted:/outputs', '--output-dir', 'first', '--',
      'sh', '-c', 'sort -r /inputs/names.txt > /outputs/names.txt; echo sorted; echo oops >&2; exit 3');
    assert.equal(stdout, 'sorted\nfirst\n');
    assert.match(stderr, /oops/);
    assert.match(stderr, /all 3 agree/);
    assert.equal(await readFile(join(work, 'first/sorted/names.txt'), 'utf8'), 'pollack\nhaddock\ncod\n');
    assert.equal(await readFile(join(work, 'first/stdout'), 'utf8'), 'sorted\n');
  });

  test('run --json: one JSON document on stdout', async () => {
    const job = await json(0, 'run', '--engine', 'noop', '--output-dir', 'second', '--name', 'json', '--', 'true');
    assert.equal(job.state, 'Settled');
    assert.deepEqual(job.replicas.map(({ verdict }: { verdict: string }) => verdict), ['agreed', 'agreed', 'agreed']);
    assert.equal(job.output, 'second');
    assert.ok(job.gas.total > 0);
    assert.deepEqual((await readdir(join(work, 'second'))).sort(), ['exitCode', 'stderr', 'stdout']);
  });

  test('job submit --detach, list, describe, wait, get', async () => {
    await writeFile(join(work, 'job.yaml'), [
      'name: from-yaml', 'command: [sh, -c, "echo $GREETING > /outputs/greeting"]', 'env: { GREETING: hello }',
      'resources: { memoryBytes: 64MiB, timeoutMs: 1m }', 'verification: { replicas: 2 }', 'payment: { maxPrice: "1000000000000000000" }',
    ].join('\n'));
    const { id } = await json(0, 'job', 'submit', 'job.yaml', '--detach');
    assert.match(id, /^0x[0-9a-f]{64}$/);
    const [[newest], described] = await Promise.all([json(0, 'job', 'list'), json(0, 'job', 'describe', id.slice(0, 12))]);
    assert.deepEqual([newest.id, newest.name], [id, 'from-yaml']);
    assert.ok(['Assigned', 'Committed'].includes(described.state), described.state);
    const waited = await json(0, 'job', 'wait', id.slice(2, 14));
    assert.deepEqual([waited.state, waited.replicas.length], ['Settled', 2]);
    const [got, text] = await Promise.all([json(0, 'job', 'get', id, '--output-dir', 'greeting'), gadus(0, 'job', 'describe', id.slice(0, 12))]);
    assert.equal(got.exitCode, 0);
    assert.equal(await readFile(join(work, 'greeting/outputs/greeting'), 'utf8'), 'hello\n');
    assert.match(text.stdout, /Settled[^]*agreed[^]*agreed/);
  });

  test('data add, ls, get, locate', async () => {
    mkdirSync(join(work, 'folder'));
    await writeFile(join(work, 'folder/a'), 'a'.repeat(300_000));
    await writeFile(join(work, 'folder/b'), 'b');
    const { cid, nodes } = await json(0, 'data', 'add', 'folder');
    assert.equal(nodes, 1);
    const [located, listed, { receipt }] = await Promise.all([
      json(0, 'data', 'locate', cid), json(0, 'data', 'ls', cid), json(0, 'data', 'get', cid, 'copy'),
    ]);
    assert.deepEqual(located.nodes.map(({ heldBytes }: { heldBytes: number }) => heldBytes > 0).sort(), [false, false, true]);
    const said = located.sources.find(({ by, source }: { by: string; source: string }) => by === 'node 0' && source === 'local');
    assert.equal(said.has, true);
    assert.equal(typeof said.ms, 'number');
    assert.deepEqual(listed.map(({ name, bytes }: { name: string; bytes: number }) => [name, bytes]), [['a', 300_000], ['b', 1]]);
    assert.ok(receipt.bytes > 300_000);
    assert.equal(await readFile(join(work, 'copy/a'), 'utf8'), 'a'.repeat(300_000));
    // One file of it, and a range of that; what is no such entry.
    await gadus(0, 'data', 'get', `/ipfs/${cid}/b`, 'only-b');
    assert.equal(await readFile(join(work, 'only-b'), 'utf8'), 'b');
    assert.equal((await gadus(0, 'data', 'cat', `${cid}/a`, '--offset', '299990', '--length', '20')).stdout, 'a'.repeat(10));
    assert.equal((await error(5, 'data', 'cat', `${cid}/c`)).code, 'NOT_FOUND');
    // As `| head` does, of a file that no pipe holds.
    await writeFile(join(work, 'large'), 'large'.repeat(800_000));
    const unread = start('data', 'cat', (await json(0, 'data', 'add', 'large')).cid);
    unread.process.stdout!.once('data', () => unread.process.stdout!.destroy());
    const { code, stderr } = await unread.ended;
    assert.deepEqual([code, stderr], [130, '']);
    const pinned = await json(0, 'data', 'pin', cid, '--all');
    assert.equal(pinned.nodes, 3);
    const reasons = (await json(0, 'data', 'ls')).map(({ held }: { held: { cid: string; why: string; path?: string }[] }) => held.find((one) => one.cid === cid));
    assert.deepEqual(reasons.map(({ why, path }: { why: string; path?: string }) => [why, path]), [['added', join(work, 'folder')], ['added', undefined], ['added', undefined]]);
    assert.equal((await json(0, 'data', 'add', '--all', 'folder')).nodes, 3);

    const exported = await json(0, 'data', 'export', cid, '-o', 'folder.car');
    assert.equal((await readFile(join(work, 'folder.car'))).length > exported.receipt.bytes, true);
    await writeFile(join(work, 'lying'), 'lying'.repeat(1000));
    const lying = await json(0, 'data', 'add', '--no-copy', 'lying');
    const held = (await json(0, 'data', 'ls'))[0].held.map((one: { cid: string; why: string; path: string }) => [one.cid, one.why, one.path]);
    assert.deepEqual(held.filter(([one]: string[]) => one === cid || one === lying.cid).sort(),
      [[cid, 'added', join(work, 'folder')], [lying.cid, 'referenced', join(work, 'lying')]].sort());
    assert.deepEqual([(await json(0, 'data', 'rm', lying.cid)).nodes, (await json(0, 'data', 'rm', cid)).nodes], [1, 3]);
    assert.equal((await error(1, 'data', 'rm', cid)).code, 'API_REFUSED');
    const [collected] = await json(0, 'data', 'gc');
    assert.ok(collected.bytes > 300_000);

    // What was exported comes back; standard input is a file, of the first node and from there of all.
    const imported = await json(0, 'data', 'import', 'folder.car');
    assert.deepEqual([imported.roots.map((root: { cid: string }) => root.cid), imported.blocks, imported.nodes], [[cid], exported.receipt.blocks, 1]);
    assert.equal((await error(1, 'data', 'import', 'lying')).code, 'API_REFUSED');
    const piped = await startGadus(['--json', 'data', 'add', '-', '--all', '--name', 'b'], { env: { GADUS_HOME: home }, cwd: work, input: 'from a pipe' }).ended;
    assert.equal(piped.code, 0, piped.stderr);
    const { cid: pipedCid, nodes: having } = JSON.parse(piped.stdout) as { cid: string; nodes: number };
    assert.equal(having, 3);
    assert.equal((await gadus(0, 'data', 'cat', `${pipedCid}/b`)).stdout, 'from a pipe');
    assert.equal((await error(2, 'data', 'add', '-', '--no-copy')).code, 'USAGE');
  });

  test('node list, node describe, wallet show, wallet fund, wallet withdraw', async () => {
    const { address } = network().nodes[1]!;
    const [nodes, one, before] = await Promise.all([json(0, 'node', 'list'), json(0, 'node', 'describe', address.slice(0, 8)), json(0, 'wallet', 'show')]);
    assert.deepEqual(nodes.map((node: { address: string }) => node.address).sort(), network().nodes.map((node) => node.address).sort());
    assert.ok(nodes.every((node: { engines: string[]; error?: string }) => node.error === undefined && node.engines.includes('container')), JSON.stringify(nodes));
    assert.equal(one.address, address);

    await json(0, 'wallet', 'fund', '2.5');
    await json(0, 'wallet', 'withdraw', '1');
    const now = await json(0, 'wallet', 'show');
    assert.equal(BigInt(now.client.free) - BigInt(before.client.free), 15n * 10n ** 17n);
    assert.equal(BigInt(before.balance) - BigInt(now.balance), 15n * 10n ** 17n);
    // Not enough in the purse, and nothing else that the scheduler may take.
    const [greedy, poor] = await Promise.all([
      error(6, 'wallet', 'withdraw', '100000'), error(6, 'run', '--engine', 'noop', '--max-price', '900', '--stake', '900', '--', 'true'),
    ]);
    assert.deepEqual([greedy.code, poor.code], ['INSUFFICIENT_FUNDS', 'ALLOWANCE_TOO_LOW']);
    await json(0, 'wallet', 'fund', '100');
  });

  test('trace record, compare, plot: no network needed', async () => {
    // Its memory stays for many samples: one cannot see a peak that comes and goes between two.
    const table = ['awk', 'BEGIN { for (i = 0; i < 200000; i++) a[i] = i; for (j = 0; j < 2000000; j++) s += j }'];
    for (const file of ['a.json', 'b.json']) {
      const { exitCode, samples } = await json(0, 'trace', 'record', '-o', file, '--', ...table);
      assert.equal(exitCode, 0);
      assert.ok(samples > 1);
    }
    await gadus(7, 'trace', 'record', '-o', 'c.json', '--csv', 'c.csv', '--', 'sh', '-c', 'i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; exit 7');
    const [same] = await json(0, 'trace', 'compare', 'a.json', 'b.json');
    assert.ok(same.distance <= 1, JSON.stringify(same));
    const [other] = await json(4, 'trace', 'compare', 'a.json', 'c.json');
    assert.ok(other.distance === null || other.distance > 1);
    assert.notEqual(other.difference, '');
    for (const out of ['traces.html', 'traces.svg']) {
      assert.equal((await json(0, 'trace', 'plot', 'a.json', 'b.json', 'c.json', '--out', out)).file, out);
      assert.match(await readFile(join(work, out), 'utf8'), /<svg/);
    }
    assert.match(await readFile(join(work, 'c.csv'), 'utf8'), /^t/);
  });

  test('doctor: what this machine can run', async () => {
    const { findings, engines } = await json(0, 'doctor');
    assert.ok(engines.some(({ name, ok }: { name: string; ok: boolean }) => name === 'container' && ok));
    assert.equal(findings.find(({ name }: { name: string }) => name === 'chain').state, 'ok');
    const registries = findings.find(({ name }: { name: string }) => name === 'registries');
    assert.deepEqual([registries.state, /apt-get install skopeo/.test(registries.remedy ?? '')], which('skopeo') === undefined ? ['limited', true] : ['ok', false]);
  });

  test('what goes wrong has an exit code of its own, and names what is wrong', async () => {
    await writeFile(join(work, 'wrong.yaml'), 'command: [true]\nresources: { memoryBytes: lots }\nreplicas: 3\n');
    await writeProfile(join(work, 'away.json'), { ...network().profile, rpcUrl: 'http://127.0.0.1:9' });
    const cases: [exit: number, code: string, details: RegExp, args: string[]][] = [
      [2, 'SPEC_INVALID', /resources\.memoryBytes: "lots" is not a size.*replicas/, ['job', 'validate', 'wrong.yaml']],
      [2, 'SPEC_INVALID', /resources\.memoryBytes/, ['job', 'submit', 'wrong.yaml']],
      [2, 'SPEC_INVALID', /no-such-file/, ['job', 'submit', 'no-such-file.yaml']],
      [2, 'IMAGE_UNKNOWN', /busybox/, ['run', '--image', 'nonesuch', '--', 'true']],
      [2, 'USAGE', /^$/, ['run', '-i', 'no-such-file', '--', 'true']],
      [2, 'USAGE', /^$/, ['node', 'describe', '0xnobody']],
      [5, 'JOB_UNKNOWN', /0x1234/, ['job', 'describe', '0x1234']],
      [2, 'PROFILE_MISSING', /none\.json/, ['--profile', join(work, 'none.json'), 'wallet', 'show']],
      [3, 'RPC_UNREACHABLE', /./, ['--profile', join(work, 'away.json'), 'wallet', 'show']],
      [3, 'RPC_UNREACHABLE', /./, ['--profile', join(work, 'away.json'), 'node', 'list']],
    ];
    await Promise.all([
      ...cases.map(async ([exit, code, details, args]) => {
        const told = await error(exit, ...args);
        assert.equal(told.code, code, JSON.stringify(told));
        assert.match(told.details ?? '', details);
      }),
      gadus(2, 'run', '--no-such-flag', '--', 'true'),
      gadus(2, 'no-such-command'),
      error(2, 'run', '--cpus', 'many', '--', 'true').then(({ code, message }) => { assert.equal(code, 'USAGE'); assert.match(message, /--cpus/); }),
      // What is in the journal can be listed while the chain is away.
      gadus(0, '--profile', join(work, 'away.json'), 'job', 'list'),
      // The option counts wherever it stands.
      gadus(5, 'job', 'get', '0x1234', '--json').then(({ stderr }) => assert.equal((JSON.parse(stderr) as { error: { code: string } }).error.code, 'JOB_UNKNOWN')),
    ]);
  });

  test('Ctrl-C during run: 130, and the job can be taken up again', async () => {
    const running = start('run', '--', 'sh', '-c', 'echo begun; sleep 5; echo over');
    await until('the job runs', () => running.stdout().includes('begun'));
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^left its nodes run it all the same; gadus job wait 0x[0-9a-f]{8} goes on with it$/m);
    const [job] = await json(0, 'job', 'list');
    assert.equal(job.state, 'Assigned');
    const [log, waited] = await Promise.all([gadus(0, 'job', 'logs', job.id), json(0, 'job', 'wait', job.id)]);
    assert.match(log.stdout, /^begun\n/);
    assert.equal(waited.state, 'Settled');
  });

  test('cancelled while it waits for bids: run ends with 4', async () => {
    const running = start('run', '--engine', 'noop', '--replicas', '4', '--', 'true');
    const id = await until('the job is submitted', () => /^job (0x[0-9a-f]{64})$/m.exec(running.stderr())?.[1]);
    await json(0, 'job', 'cancel', id);
    assert.equal((await running.ended).code, 4, running.stderr());
    assert.equal((await error(6, 'job', 'cancel', id)).code, 'CANNOT_CANCEL');
  });

  test('killed during run: job wait carries the job to its end', async () => {
    const running = start('run', '--engine', 'noop', '--', 'true');
    await until('the job is assigned', () => running.stderr().includes('assigned'));
    running.process.kill('SIGKILL');
    assert.equal((await running.ended).signal, 'SIGKILL');
    const [job] = await json(0, 'job', 'list');
    assert.equal((await json(0, 'job', 'wait', job.id)).state, 'Settled');
  });

  test('one process carries a job: others look on, and go on with it when it is free', async () => {
    const { id } = await json(0, 'job', 'submit', '--detach', 'quiet.yaml');
    const claims = new JobClaims(join(home, 'client'));
    assert.ok(await claims.take(id));
    const [watching, waiting] = [start('--json', 'job', 'watch', id), start('job', 'wait', id)];
    await until('it looks on', () => waiting.stderr().includes('looking on'));
    // What it knows of the job stays what it was while another process may know more.
    const described = await json(0, 'job', 'describe', id);
    assert.ok(['Assigned', 'Committed'].includes(described.state), described.state);
    await claims.releaseAll();
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Settled[^]*agreed[^]*agreed/);
    const watched = await watching.ended;
    assert.equal(watched.code, 0, watched.stderr);
    const { state, replicas } = JSON.parse(watched.stdout) as { state: string; replicas: { resultCid?: string }[] };
    assert.equal(state, 'Settled');
    assert.ok(replicas.every(({ resultCid }) => resultCid !== undefined), 'and what the other process found');
  });

  test('several commands at once', async () => {
    const running = start('run', '--', 'sh', '-c', 'echo begun; sleep 3; echo over');
    await until('the job runs', () => running.stdout().includes('begun'));
    const id = /^job (0x[0-9a-f]{64})$/m.exec(running.stderr())![1];
    const [jobs, second] = await Promise.all([json(0, 'job', 'list'), json(0, 'run', '--engine', 'noop', '--', 'true')]);
    assert.notEqual(jobs.find((job: { id: string }) => job.id === id).state, 'Open');
    assert.equal(second.state, 'Settled');
    assert.equal((await running.ended).code, 0, running.stderr());
  });
});
