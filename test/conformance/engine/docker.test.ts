import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { buildBusyboxImage, createDockerEngine, createImageStore } from '../../../src/executor/index.ts';
import { isError } from '../../../src/protocol/index.ts';
import { commonSuite } from './common-suite.ts';
import { shellPrograms } from './shell-programs.ts';
import { coveredSuite } from './suite/covered.ts';

/** `GADUS_TEST_DOCKER=/path/of/docker.sock` names another daemon than the machine's. */
const socketPath = process.env['GADUS_TEST_DOCKER'] ?? '/var/run/docker.sock';
const index = new URL('../../../src/executor/index.ts', import.meta.url).href;
const protocol = new URL('../../../src/protocol/index.ts', import.meta.url).href;

for (const statsOnly of [false, true]) {
  const name = statsOnly ? 'docker, its own statistics' : 'docker';
  commonSuite(name, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'gadus-docker-'));
    const init = { stateDir: path.join(directory, 'state'), socketPath, statsOnly };
    const engine = createDockerEngine(init);
    const probe = await engine.probe();
    const images = createImageStore({ dir: path.join(directory, 'images') });
    if (probe.ok) {
      await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
      await images.unpack('busybox', path.join(directory, 'busybox.tar'));
    }
    const rootfs = probe.ok ? images.rootfs('busybox') : '';
    return {
      engine, rootfs, programs: shellPrograms,
      ...(probe.ok ? {} : { skip: probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ') }),
      leftovers: () => leftovers(init.stateDir),
      crashProgram: (command) => `
        import { createDockerEngine } from ${JSON.stringify(index)};
        import { parseJobSpec } from ${JSON.stringify(protocol)};
        const engine = createDockerEngine(${JSON.stringify(init)});
        await engine.run({
          id: 'crash', spec: parseJobSpec({ command: ${JSON.stringify(command)} }), rootfs: ${JSON.stringify(rootfs)}, inputs: [],
          sampleIntervalMs: 20, onStart: () => console.log('started'),
        });
      `,
      async close() {
        await rm(directory, { recursive: true, force: true });
        if (!probe.ok) return;
        await engine.sweep();
        const left = await docker('/images/json') as { Labels: Record<string, string> | null }[];
        assert.deepEqual(left.filter(({ Labels }) => Labels?.['org.gadus.rootfs']?.startsWith(directory)), [], 'images go with what they were made of');
      },
    };
  }, (run, it, { rootfs }) => {
    const sh = (script: string, spec: Parameters<typeof run>[1] = {}, more: Parameters<typeof run>[2] = {}) => run(['sh', '-c', script], spec, more);
    let directory = '';
    before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-covered-')); });
    after(() => rm(directory, { recursive: true, force: true }));
    coveredSuite({ rootfs, it, sh, directory: () => directory });

    it('confines a job as the container engine does', async () => {
      const { stdout } = await sh(`id -u; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -s "\\t " " "; hostname
        for d in / /bin /etc /proc /sys /dev /.gadus; do touch $d/x 2>/dev/null && echo ESCAPED $d; done
        unshare -U true 2>/dev/null && echo ESCAPED; mount -t tmpfs x /work 2>/dev/null && echo ESCAPED; mknod /work/sda b 8 0 2>/dev/null && echo ESCAPED
        cat /proc/1/environ /proc/1/mem 2>/dev/null | grep -q . && echo ESCAPED; ls /proc/1/fd 2>/dev/null | grep -q . && echo ESCAPED; cat /.gadus/sh 2>/dev/null | grep -q . && echo ESCAPED
        ls -d /proc/[0-9]* | wc -l; ip addr | grep -c "inet .*global"; nc -w 1 8.8.8.8 53 </dev/null && echo ESCAPED; echo end`);
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(0, 9), [
        '65534', 'CapInh: 0000000000000000', 'CapPrm: 0000000000000000', 'CapEff: 0000000000000000', 'CapBnd: 0000000000000000', 'CapAmb: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'gadus',
      ]);
      assert.ok(Number(lines[9]) <= 6, stdout);
      assert.deepEqual(lines.slice(10), ['0', 'end']);
    });
    it('cannot lie about its end', async () => {
      const result = await sh('for n in 1 $$; do for f in 0 1 2 3 4 5; do echo "exit 0" > /proc/$n/fd/$f; done; done 2>/dev/null; echo "exit 0" >&2; exit 7');
      assert.equal(result.exitCode, 7);
      assert.match(result.stderr, /^(exit 0\n)+$/);
    });
    it('bounds memory and processes, and kills a job that will not end', async () => {
      const memory = await sh('head -c 300m /dev/zero | tail', { resources: { memoryBytes: '48MiB', diskBytes: '1MiB' } });
      assert.deepEqual([memory.exitCode, memory.ended], [137, 'memory']);
      const bomb = await sh('bomb() { bomb | bomb & }; bomb; sleep 1000', { resources: { processes: 40, timeoutMs: 1500 } });
      assert.equal(bomb.ended, 'timeout');
      const stubborn = await sh('trap "" TERM; while :; do sleep 1000 & wait; done', { resources: { timeoutMs: 1000 } });
      assert.deepEqual([stubborn.exitCode, stubborn.ended], [137, 'timeout']);
    });
    it('hands out no output that is a link or lies behind one, and keeps odd names', async () => {
      const odd = 'a b\'c"d\\e$f*g\nh,i:jä';
      const result = await sh('ln -s /etc /work/dir; ln -s /etc/passwd /outputs/link; mkfifo /outputs/pipe; echo made > "/outputs/$NAME"', {
        env: { NAME: odd }, outputs: [{ name: 'a', path: '/outputs' }, { name: 'b', path: '/work/dir/passwd' }, { name: 'c', path: '/work/other' }],
      });
      assert.deepEqual(result.outputs.map(({ name: output }) => output), ['a']);
      assert.deepEqual((await readdir(result.outputs[0]!.path)).sort(), [odd, 'link'].sort());
    });
    it('refuses a network', async () => {
      await assert.rejects(sh('true', { network: { allow: ['example.org:443'] } }), (error) => isError(error, 'NETWORK_REFUSED'));
    });
  });
}

/** Run directories, and containers that bear the state directory's mark. */
async function leftovers(stateDir: string): Promise<string[]> {
  const runs = (await readdir(path.join(stateDir, 'runs')).catch(() => [])).map((name) => `file runs/${name}`);
  const containers = await docker('/containers/json?all=1') as { Names: string[] }[];
  const names = containers.flatMap(({ Names }) => Names);
  return [...runs, ...names.filter((name) => runs.some((run) => name.endsWith(run.slice('file runs/'.length)))).map((name) => `container ${name}`)];
}

function docker(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: url, headers: { Host: 'docker' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', () => resolve(JSON.parse(text)));
    }).on('error', reject).end();
  });
}
