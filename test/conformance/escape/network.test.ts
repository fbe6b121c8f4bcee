import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe } from 'node:test';
import { buildBusyboxImage, createContainerEngine, createImageStore, createWasmEngine, type NetworkRules } from '../../../src/executor/index.ts';
import { isError, parseJobSpec } from '../../../src/protocol/index.ts';
import { containerLeftovers } from '../engine/container-leftovers.ts';
import { engineBench } from '../engine/engine-bench.ts';

/** The proxy as a job sees it, spoken to by hand: the first line of its answer, however long that takes. */
const ASK = 'ask() { : > /tmp/said; printf "CONNECT %s HTTP/1.1\\r\\n\\r\\n" "$1" | nc 127.0.0.1 3128 > /tmp/said & until [ "$(wc -l < /tmp/said)" -gt 0 ]; do sleep 0.02; done; head -n 1 /tmp/said; kill $! 2> /dev/null; wait; };';

/** Servers of this host stand for the Internet: one rule of the engine under test says so, and another engine has the real rule. */
describe('the network of a job', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-network-'));
  const images = createImageStore({ dir: path.join(directory, 'images') });
  const stateDir = path.join(directory, 'state');
  const rules: NetworkRules = { allow: ['*.test:*'], maxBytes: 1e6, maxConnections: 4, resolve: async () => ['127.0.0.1'], mayReach: () => true };
  const engine = createContainerEngine({ stateDir, network: rules });
  const probe = await engine.probe();
  if (probe.ok) {
    await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
    await images.unpack('busybox', path.join(directory, 'busybox.tar'));
  }
  const rootfs = probe.ok ? images.rootfs('busybox') : '';
  const skip = probe.ok ? {} : { skip: probe.problems.map(({ what }) => what).join('; ') };
  const { it, run } = engineBench('network', {
    engine, rootfs, ...skip, leftovers: () => containerLeftovers(stateDir), crashProgram: () => '', close: () => rm(directory, { recursive: true, force: true }),
  });

  const asked: string[] = [];
  const web = createHttpServer((incoming, response) => { asked.push(incoming.url ?? ''); response.end(`seen ${incoming.url}\n`); });
  const held = new Set<Socket>();
  const holder = createServer((socket) => { held.add(socket); socket.on('error', () => undefined).on('close', () => held.delete(socket)).resume(); });
  let port = 0;
  let silentPort = 0;
  before(async () => {
    for (const server of [web, holder]) await once(server.listen(0, '0.0.0.0'), 'listening');
    port = (web.address() as AddressInfo).port;
    silentPort = (holder.address() as AddressInfo).port;
  });
  after(() => { web.close(); holder.close(); });
  const sh = (script: string, allow: string[], more: Parameters<typeof run>[1] = {}) => run({ command: ['sh', '-c', script], network: { allow } }, more);

  it('reaches what it asked for, by plain HTTP and by CONNECT, and its evidence says so', async () => {
    const result = await sh(`wget -q -O - http://data.test:${port}/plain; ${ASK} ask data.test:${port}`, [`data.test:${port}`, 'unused.test:443']);
    assert.equal(result.stdout, 'seen /plain\nHTTP/1.1 200 Connection established\r\n', result.stderr);
    const { network } = result.environment;
    assert.deepEqual([network!.allowed, network!.refused], [[`data.test:${port}`, 'unused.test:443'], 0]);
    assert.deepEqual(network!.used.map(({ endpoint, connections }) => [endpoint, connections]), [[`data.test:${port}`, 2]]);
    assert.ok(network!.used[0]!.receivedBytes > 'seen /plain'.length && network!.used[0]!.sentBytes > 0);
  });
  it('reaches nothing else, by the proxy or around it', async () => {
    const before = asked.length;
    const result = await sh(`${ASK}
      for place in other.test:${port} data.test:22 127.0.0.1:${port} localhost:${port} [::1]:${port} 169.254.169.254:80 127.1:${port} 0x7f000001:${port}; do ask $place; done
      for url in http://127.0.0.1:${port}/ http://169.254.169.254/latest http://other.test:${port}/; do wget -q -O - $url && echo ESCAPED; done
      unset http_proxy HTTP_PROXY
      wget -q -T 1 -O - http://127.0.0.1:${port}/ && echo ESCAPED
      nc -w 1 8.8.8.8 53 < /dev/null && echo ESCAPED
      nslookup -type=a data.test 8.8.8.8 > /dev/null 2>&1 && echo ESCAPED
      ip addr | grep -c 'inet '; ip route | wc -l; [ "$(wc -l < /proc/net/unix)" -gt 1 ] && echo ESCAPED
      ip addr add 10.9.9.9/8 dev lo 2> /dev/null && echo ESCAPED; ip link add d0 type dummy 2> /dev/null && echo ESCAPED
      echo end`, [`data.test:${port}`]);
    const lines = result.stdout.trim().split('\n');
    assert.deepEqual(lines.slice(0, 8).map((line) => line.split(' ')[1]), ['403', '403', '403', '403', '403', '403', '400', '400']);
    assert.deepEqual(lines.slice(8), ['1', '0', 'end']);
    assert.equal(asked.length, before);
    assert.equal(result.environment.network!.refused, 11);
    assert.deepEqual(result.environment.network!.used, []);
  });
  it('never reaches this host, its network or a metadata service, whatever a name it may reach leads to', async () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '::ffff:127.0.0.1', '10.0.0.1']) {
      const strict = createContainerEngine({ stateDir: path.join(directory, 'strict'), network: { allow: ['*'], maxBytes: 1e6, maxConnections: 4, resolve: async () => [address] } });
      const result = await strict.run({
        id: `strict-${process.pid}`, rootfs, inputs: [], sampleIntervalMs: 20,
        spec: parseJobSpec({ command: ['sh', '-c', `wget -q -O - http://evil.test:${port}/ || echo refused`], network: { allow: [`evil.test:${port}`] } }),
      });
      assert.deepEqual(result.environment.network, { allowed: [`evil.test:${port}`], used: [], refused: 1 }, address);
      await result.release();
    }
  });
  it('is refused before anything starts where the operator or the engine does not give one', async () => {
    const strangers = [createContainerEngine({ stateDir: path.join(directory, 'closed') }), createWasmEngine({ stateDir: path.join(directory, 'wasm') })];
    const container = parseJobSpec({ command: ['true'], network: { allow: ['data.test:80'] } });
    for (const stranger of strangers) {
      await assert.rejects(stranger.run({ id: 'x', rootfs, inputs: [], sampleIntervalMs: 20, spec: container }), (error) => isError(error, 'NETWORK_REFUSED'));
    }
    await assert.rejects(sh('true', ['data.example:80']), (error) => isError(error, 'NETWORK_REFUSED'));
  });
  it('is not there for a job that asks for none', async () => {
    const { stdout, environment } = await run({ command: ['sh', '-c', 'env | grep -ci proxy; nc -w 1 127.0.0.1 3128 < /dev/null && echo ESCAPED; echo end'] });
    assert.deepEqual([stdout, environment.network], ['0\nend\n', undefined]);
  });
  it('shows the job no process of its host, and none that it could harm', async () => {
    const { stdout } = await sh('ls -d /proc/[0-9]* | wc -l; cat /proc/net/tcp | wc -l', [`data.test:${port}`]);
    const [processes, sockets] = stdout.split('\n').map(Number);
    assert.ok(processes! <= 5, stdout);
    assert.equal(sockets, 2, 'the listener alone');
  });
  it('has as many connections as the operator says, and its bytes end', async () => {
    // Whoever is taken holds on, whoever is not is gone: until that is known of all.
    const many = await sh(`for i in 1 2 3 4 5 6 7 8; do (printf "CONNECT data.test:${silentPort} HTTP/1.1\\r\\n\\r\\n"; exec sleep 1000) | (nc 127.0.0.1 3128 > /tmp/answer$i; : > /tmp/gone$i) & done
      taken() { cat /tmp/answer* 2> /dev/null | grep -c 200; }
      until [ $(($(taken) + $(ls /tmp/gone* 2> /dev/null | wc -l))) -ge 8 ]; do sleep 0.05; done; taken`, [`data.test:${silentPort}`]);
    assert.equal(many.stdout, '4\n');
    assert.equal(many.environment.network!.refused, 4);
    const much = await sh(`(printf "CONNECT data.test:${silentPort} HTTP/1.1\\r\\n\\r\\n"; head -c 20000000 /dev/zero) | nc 127.0.0.1 3128 > /dev/null; wget -O - http://data.test:${silentPort}/ 2>&1 | grep -c 403`, [`data.test:${silentPort}`]);
    assert.equal(much.stdout, '1\n', much.stderr);
    assert.ok(much.environment.network!.used[0]!.sentBytes < 10e6);
  });
  it('ends with the job, however the job ends', async () => {
    const script = `(printf "CONNECT data.test:${silentPort} HTTP/1.1\\r\\n\\r\\n"; sleep 1000) | nc 127.0.0.1 3128`;
    const gone = async () => { for (const socket of held) if (!socket.closed) await once(socket, 'close'); };
    const late = await run({ command: ['sh', '-c', script], network: { allow: [`data.test:${silentPort}`] }, resources: { timeoutMs: 500 } });
    assert.equal(late.ended, 'timeout');
    await gone();
    const stop = new AbortController();
    const running = sh(script, [`data.test:${silentPort}`], { signal: stop.signal });
    await once(holder, 'connection');
    stop.abort();
    await assert.rejects(running, (error) => isError(error, 'ABORTED'));
    await gone();
    for (const ms of [60, 120, 180, 240]) await assert.rejects(sh(script, [`data.test:${silentPort}`], { signal: AbortSignal.timeout(ms) }), (error) => isError(error, 'ABORTED'));
    await gone();
    const wrappers = process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap');
    assert.equal(wrappers.length, 2, 'the two servers of this test');
  });
});
