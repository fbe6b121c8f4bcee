import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError, messageOf, parseJobSpec, type JobSpecInput } from '../../protocol/index.ts';
import { which } from '../container/runtime.ts';
import { prepareGuest } from '../guest/guest.ts';
import { buildBusyboxImage } from '../image/build-busybox-image.ts';
import { createImageStore } from '../image/image-store.ts';
import { takeUsualUmask } from '../usual-umask.ts';
import { createMicrovmEngine } from './microvm-engine.ts';
import { QEMU } from './qemu.ts';

// As a node does.
takeUsualUmask();
/** Downloaded once and kept between test runs. */
const guestDir = new URL('../../../node_modules/.cache/gadus-guest', import.meta.url).pathname;
const skip = which(QEMU) === undefined ? `${QEMU} is not installed` : await prepareGuest({ dir: guestDir }).then(() => false as const, messageOf);
if (skip !== false) process.stderr.write(`microVMs NOT TESTED: ${skip}\n`);

/** A few virtual machines, emulated where there is no KVM; test/conformance/engine has the rest. */
describe('the microvm engine', { skip, timeout: 300_000 }, () => {
  let directory: string;
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-microvm-')); });
  after(() => rm(directory, { recursive: true, force: true }));

  test('says what to do where the guest is missing', async () => {
    const engine = createMicrovmEngine({ stateDir: path.join(directory, 'none'), guestDir: path.join(directory, 'nowhere'), emulate: true });
    const { ok, problems } = await engine.probe();
    assert.deepEqual([ok, problems], [false, [{ what: 'the guest\'s kernel is not there', remedy: 'gadus image kernel' }]]);
    await assert.rejects(engine.run({} as never), (error) => isError(error, 'ENGINE_UNAVAILABLE'));
  });

  test('runs a job in a kernel of its own, on an input that is not copied, with the network it asked for alone, and leaves nothing', async () => {
    const images = createImageStore({ dir: path.join(directory, 'images') });
    await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
    await images.unpack('busybox', path.join(directory, 'busybox.tar'));
    const input = path.join(directory, 'input');
    await writeFile(input, Buffer.alloc(5_000_001, 'x'), { mode: 0o644 });
    const stateDir = path.join(directory, 'state');
    // Servers of this host stand for the Internet.
    const content = Buffer.alloc(1_000_001, 'gadus');
    const asked: string[] = [];
    const web = createServer((incoming, response) => { asked.push(incoming.url!); incoming.pipe(response); if (incoming.method === 'GET') response.end(content); });
    await once(web.listen(0, '127.0.0.1'), 'listening');
    after(() => web.close());
    const { port } = web.address() as AddressInfo;
    const engine = createMicrovmEngine({
      stateDir, guestDir, emulate: true, network: { allow: ['*.test:*'], maxBytes: 1e8, maxConnections: 16, resolve: async (host) => [host === 'evil.test' ? '10.0.0.1' : '127.0.0.1'], mayReach: (address) => address === '127.0.0.1' },
    });
    const probe = await engine.probe();
    assert.ok(probe.ok, probe.problems.map(({ what }) => what).join('; '));
    const result = await engine.run({
      id: 'job', rootfs: images.rootfs('busybox'), inputs: [{ path: input, target: '/inputs/a' }], sampleIntervalMs: 20,
      spec: parseJobSpec({
        command: ['sh', '-c', `sha256sum < /inputs/a; uname -r >&2; mkdir /outputs/d; echo made > /outputs/d/f
          ask() { printf "CONNECT %s HTTP/1.1\r\n\r\n$2" "$1" | nc -w 20 127.0.0.1 3128 > /tmp/answer; head -n 1 /tmp/answer | cut -d ' ' -f 2; tail -n 1 /tmp/answer; }
          wget -q -O /outputs/got http://data.test:${port}/plain
          ask data.test:${port} "POST /tunnel HTTP/1.0\r\nContent-Length: 4\r\n\r\necho"; echo
          for place in evil.test:${port} other.test:${port} data.test:22 127.0.0.1:${port} 169.254.169.254:80; do ask $place; done
          ip addr | grep -c 'inet '; ip route | wc -l; ls -d /proc/[0-9]* | wc -l
          unset http_proxy HTTP_PROXY; wget -q -T 1 -O - http://127.0.0.1:${port}/ && echo ESCAPED
          exit 3`],
        network: { allow: [`data.test:${port}`, `evil.test:${port}`] }, resources: { memoryBytes: '64MiB', diskBytes: '8MiB' },
      }),
    });
    assert.deepEqual([result.exitCode, result.ended, result.notes], [3, 'exit', []]);
    const refusal = (reason: string) => ['403', `gadus: ${reason}`];
    const beyond = ['other.test:' + port, 'data.test:22', '127.0.0.1:' + port, '169.254.169.254:80'].flatMap((place) => refusal(`${place} is not among what this job may reach`));
    assert.deepEqual((await readFile(result.stdoutPath, 'utf8')).trim().split('\n'), [
      '59c192de10d49e0868a0944cad329b3bd24bba51a72777f2c8c1f16419ab0416  -', '200', 'echo', ...refusal(`evil.test:${port}: its address is not one that jobs may reach`), ...beyond, '1', '0', '4',
    ]);
    assert.equal((await readFile(result.stderrPath, 'utf8')).split('\n')[0], result.environment.kernel);
    assert.ok(content.equals(await readFile(path.join(result.outputs[0]!.path, 'got'))));
    assert.deepEqual(asked, ['/plain', '/tunnel']);
    const { allowed, used, refused } = result.environment.network!;
    assert.deepEqual([allowed, used.map(({ endpoint, connections }) => [endpoint, connections]), refused], [[`data.test:${port}`, `evil.test:${port}`], [[`data.test:${port}`, 2]], 5]);
    assert.ok(used[0]!.receivedBytes > content.length && used[0]!.receivedBytes < content.length + 1000, String(used[0]!.receivedBytes));
    assert.equal(await readFile(path.join(result.outputs[0]!.path, 'd/f'), 'utf8'), 'made\n');
    const { t, files } = result.outputNotes!;
    const growth = new Map(files.map(({ path: name, lengths }) => [name, lengths]));
    assert.deepEqual([growth.get('outputs/got')!.at(-1), growth.get('outputs/d/f')!.at(-1)], [content.length, 'made\n'.length]);
    assert.ok(growth.get('stdout')!.at(-1)! > 64 && t.every((now, i) => now > (t[i - 1] ?? 0)));
    const { readBytes, cpuNs } = result.trace.channels;
    assert.ok(readBytes!.at(-1)! > 6_000_000 && readBytes!.at(-1)! < 6_300_000, String(readBytes!.at(-1)));
    assert.ok(cpuNs!.at(-1)! > 0);
    await result.release();
    assert.deepEqual(await readdir(path.join(stateDir, 'runs')), []);

    // Aborted while it boots, and while it has a connection open, which ends with it.
    const stop = new AbortController();
    const held = Promise.withResolvers<Socket>();
    const holder = createNetServer((socket) => { held.resolve(socket.on('error', () => undefined).resume()); });
    await once(holder.listen(0, '127.0.0.1'), 'listening');
    after(() => holder.close());
    const place = `data.test:${(holder.address() as AddressInfo).port}`;
    const aborted = (id: string, spec: Omit<JobSpecInput, 'command'>, script: string, signal: AbortSignal) => assert.rejects(engine.run({
      id, rootfs: images.rootfs('busybox'), inputs: [], sampleIntervalMs: 20, spec: parseJobSpec({ ...spec, command: ['sh', '-c', script] }), signal,
    }), (error) => isError(error, 'ABORTED'));
    const both = [
      aborted('aborted', {}, 'sleep 1000', AbortSignal.timeout(500)),
      aborted('connected', { network: { allow: [place] } }, `(printf "CONNECT ${place} HTTP/1.1\\r\\n\\r\\n"; sleep 1000) | nc 127.0.0.1 3128`, stop.signal),
    ];
    const socket = await held.promise;
    const closed = once(socket, 'close');
    stop.abort();
    await Promise.all([...both, closed]);
    assert.deepEqual(await readdir(path.join(stateDir, 'runs')), []);
  });
});
