import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { firecracker, firecrackerVersion } from '../../src/executor/microvm/firecracker/firecracker.ts';
import { runMicrovm } from '../../src/executor/microvm/run-microvm.ts';
import { cgroupLayout } from '../../src/executor/cgroup/layout.ts';
import { monitorId } from '../../src/executor/rootless/unprivileged-ids.ts';
import { isError, parseJobSpec } from '../../src/protocol/index.ts';

const jailer = new URL('./fake-jailer.ts', import.meta.url).pathname;
const skip = process.getuid?.() === 0 ? false : 'a jail is made by root';

/** Everything but the monitor: jail, requests and their order, handshake, conversation, watchdog, clean-up. */
describe('a run in Firecracker, with jailer and monitor played', { skip }, () => {
  let directory: string;
  let binary: string;
  let serial = 0;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-firecracker-')); });
  after(() => rm(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    binary = path.join(directory, `firecracker-${serial++}`);
    await mkdir(path.join(directory, 'rootfs'), { recursive: true });
    for (const name of ['kernel', 'initrd']) await writeFile(path.join(directory, name), name);
    await writeFile(path.join(directory, 'input'), Buffer.alloc(3 * 1024 ** 2, 'x'), { mode: 0o644 });
  });
  afterEach(async () => {
    assert.deepEqual(await readdir(path.join(directory, 'state/runs')), [], 'nothing is left behind');
    const ids = (await readFile(`${binary}.record`, 'utf8').catch(() => '')).match(/gadus-[0-9a-f]{32}/g) ?? [] as string[];
    for (const root of new Set([...cgroupLayout()!.controllers.values(), cgroupLayout()!.unified ?? []].flat())) {
      for (const group of await readdir(path.join(root, 'gadus-vm')).catch(() => [])) assert.ok(!ids.includes(group), `control group ${group}`);
    }
    assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(directory), 'nothing is mounted');
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      assert.ok(!command.includes(directory), `process ${pid} lives: ${command.replaceAll('\0', ' ')}`);
    }
  });

  const run = async (mode = '', { signal, url, kind = {} }: { signal?: AbortSignal; url?: string; kind?: Parameters<typeof firecracker>[2] } = {}) => {
    if (mode !== '') await writeFile(`${binary}.mode`, mode);
    return runMicrovm(
      {
        stateDir: path.join(directory, 'state'), guest: { kernel: path.join(directory, 'kernel'), initrd: path.join(directory, 'initrd') }, kind: firecracker('1.13.0', { firecracker: binary, jailer }, kind),
        network: { allow: ['*.test:*'], maxBytes: 1e6, maxConnections: 4, resolve: async () => ['127.0.0.1'], mayReach: () => true },
      },
      {
        id: `case-${serial}`, rootfs: path.join(directory, 'rootfs'), inputs: [{ path: path.join(directory, 'input'), target: '/inputs/a' }], sampleIntervalMs: 20,
        spec: parseJobSpec({
          command: ['job', url ?? 'word'], resources: { memoryBytes: '64MiB', diskBytes: '4MiB', cpus: 1.5 }, ...(url === undefined ? {} : { network: { allow: [new URL(url).host] } }),
        }), ...(signal ? { signal } : {}),
      },
    );
  };
  const record = async () => (await readFile(`${binary}.record`, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

  test('goes by the book', async () => {
    const result = await run();
    assert.deepEqual([result.exitCode, result.ended, await readFile(result.stdoutPath, 'utf8'), result.notes], [3, 'exit', 'hello\n', []]);
    assert.equal(await readFile(path.join(result.outputs[0]!.path, 'a'), 'utf8'), 'abc');
    assert.deepEqual([...result.trace.t], [0, 10]);
    assert.deepEqual([...result.trace.channels.cpuNs!], [0, 6], 'counters start at 0');
    assert.deepEqual([...result.trace.channels.residentBytes!], [20, 28], 'levels are kept');
    assert.deepEqual([result.environment.runtime, result.environment.kernel], ['firecracker 1.13.0', '6.1.0-fake']);
    await result.release();

    const [start, ...rest] = await record();
    const jail = start!['jail'] as Record<string, string>;
    const files = start!['files'] as [string, number, string][];
    const uid = Number(jail['uid']);
    assert.equal(jail['gid'], jail['uid']);
    assert.ok(uid >= 0x5000_0000 && uid < 0x5100_0000);
    assert.match(jail['id']!, /^gadus-[0-9a-f]{32}$/);
    assert.ok((jail['cgroup'] as unknown as string[]).some((limit) => limit.startsWith('memory.')), 'a memory limit');
    assert.deepEqual((jail['resource-limit'] as unknown as string[])[0], 'no-file=128');
    assert.deepEqual(files.map(([name, owner]) => [name, owner === uid]), [
      ['disk-image', false], ['disk-index', false], ['disk-input-0', false], ['disk-scratch', true], ['initrd', false], ['kernel', false], ['log', true], ['metrics', true],
    ]);

    const calls = rest.filter((entry) => 'call' in entry) as { call: string; body: Record<string, unknown> }[];
    assert.deepEqual(calls.map(({ call }) => call), [
      'PUT /logger', 'PUT /metrics', 'PUT /machine-config', 'PUT /boot-source', 'PUT /drives/image', 'PUT /drives/index', 'PUT /drives/scratch', 'PUT /drives/input_0',
      'PUT /vsock', 'PUT /balloon', 'PUT /actions',
    ]);
    const body = (call: string) => calls.find((entry) => entry.call === call)!.body;
    assert.deepEqual(body('PUT /machine-config'), { vcpu_count: Math.min(2, availableParallelism()), mem_size_mib: 162, smt: false });
    assert.match(String(body('PUT /boot-source')['boot_args']), /8250\.nr_uarts=0.*gadus\.vsock=52/);
    assert.deepEqual([body('PUT /drives/scratch')['is_read_only'], body('PUT /drives/image')['is_read_only']], [false, true]);
    assert.ok('bandwidth' in (body('PUT /drives/image')['rate_limiter'] as object));
    assert.deepEqual(rest.filter((entry) => 'vsock' in entry).map((entry) => entry['vsock']), Array.from({ length: 3 }, () => 'CONNECT 52\n'));

    // v1 has a line for each hierarchy: the thread is in the monitor's group in those that limit it.
    const adopted = String(rest.find((entry) => 'timerThread' in entry)!['timerThread']).split('\n');
    for (const controller of new Set((jail['cgroup'] as unknown as string[]).map((limit) => limit.split('.')[0]!))) {
      const line = adopted.find((text) => text.startsWith('0::') || text.split(':')[1]!.split(',').includes(controller));
      assert.ok(line!.endsWith(`/gadus-vm/${jail['id']!}`), `${controller}: ${line}`);
    }

    const orders = rest.find((entry) => 'orders' in entry)!['orders'] as string[][];
    assert.deepEqual(orders.slice(0, 3), [['erofs', '/run/image', '#0'], ['erofs', '/run/index', '#1', '#3'], ['ext4', '/run/scratch', '#2']]);
    assert.deepEqual(orders.filter(([name]) => name === 'arg'), [['arg', 'job'], ['arg', 'word']]);
  });

  test('tells why the jailer failed', async () => {
    await assert.rejects(run('die'), (error) => isError(error, 'VMM_FAILED') && error.details!.includes('cannot enter the jail'));
  });
  test('tells why the monitor refused', async () => {
    await assert.rejects(run('refuse'), (error) => isError(error, 'VMM_FAILED') && error.details!.includes('Unable to open the block device'));
  });
  test('ends with a guest whose handshake is none', async () => {
    await assert.rejects(run('rude'), (error) => isError(error, 'GUEST_MISBEHAVED'));
  });
  test('ends with a guest that reaches outside', async () => {
    await assert.rejects(run('escape'), (error) => isError(error, 'GUEST_MISBEHAVED'));
    assert.ok(!(await readdir(directory, { recursive: true })).some((name) => name.endsWith('escaped')));
  });
  test('can be aborted while the guest is silent', async () => {
    await assert.rejects(run('silent', { signal: AbortSignal.timeout(1500) }), (error) => isError(error, 'ABORTED'));
  });

  test('has a second channel for the job\'s network, and only for one that has some', async () => {
    const web = createServer((incoming, response) => response.end(`seen ${incoming.url}`)).listen(0, '127.0.0.1');
    after(() => web.close());
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    const result = await run('', { url: `http://data.test:${port}/page` });
    assert.match(await readFile(result.stdoutPath, 'utf8'), /^HTTP\/1\.1 200 .*seen \/page/s);
    assert.deepEqual(result.environment.network!.used.map(({ endpoint, connections }) => [endpoint, connections]), [[`data.test:${port}`, 1]]);
    await result.release();
    const entries = await record();
    assert.deepEqual(entries.filter((entry) => 'vsock' in entry).map((entry) => entry['vsock']).slice(-2), ['CONNECT 52\n', 'CONNECT 53\n']);
    assert.deepEqual((entries.find((entry) => 'orders' in entry)!['orders'] as string[][]).filter(([name]) => name === 'network'), [['network', '3128']]);
  });
  test('kills a monitor that stops answering, and says so', async () => {
    await assert.rejects(run('stuck', { kind: { intervalMs: 20, timeoutMs: 200, misses: 2 } }), (error) => isError(error, 'VMM_FAILED') && error.details!.endsWith('the monitor stopped answering and was killed'));
  });
  test('takes no other monitor than the one that was looked at', async () => {
    await assert.rejects(run('other'), (error) => isError(error, 'VMM_FAILED') && error.details!.includes('1.12.0, not 1.13.0'));
  });

  test('asks both programs for their version, and takes an old one, or two that do not match, for none', async () => {
    // Each a file of its own: one that is being started cannot be written.
    let made = 0;
    const program = async (name: string, words: string) => {
      const file = path.join(directory, `${name}-${made++}`);
      await writeFile(file, `#!/bin/sh\necho '${words}'\n`, { mode: 0o755 });
      return file;
    };
    const version = async (monitor: string, its: string) => firecrackerVersion({ firecracker: await program('vmm', monitor), jailer: await program('its-jailer', its) });
    assert.equal(await version('Firecracker v1.13.1', 'Jailer v1.13.1'), '1.13.1');
    for (const [monitor, its] of [['Firecracker v1.7.0', 'Jailer v1.7.0'], ['Firecracker v0.25.2', 'Jailer v0.25.2'], ['Firecracker v1.13.1', 'Jailer v1.13.0'], ['Firecracker v1.13.1', 'hello'], ['hello', 'Jailer v1.13.1']] as const) {
      await assert.rejects(version(monitor, its), (error) => isError(error, 'VMM_FAILED'), `${monitor} ${its}`);
    }
  });
  test('every monitor has a user of its own', () => {
    const uids = Array.from({ length: 100 }, (_, i) => monitorId(`run-${i}`));
    assert.equal(new Set(uids).size, 100);
  });
});
