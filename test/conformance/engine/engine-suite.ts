import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, readdir, symlink, writeFile, chmod } from 'node:fs/promises';
import path from 'node:path';
import { describe } from 'node:test';
import type { RunRequest } from '../../../src/executor/index.ts';
import { CHANNELS, isError, type JobSpecInput } from '../../../src/protocol/index.ts';
import { engineBench, type EngineSetup } from './engine-bench.ts';

const MiB = 1024 ** 2;

/** Registers the tests that every engine must pass. */
export function engineSuite(name: string, setup: () => Promise<EngineSetup>): void {
  describe(`engine ${name}`, async () => {
    const made = await setup();
    const { engine, rootfs, leftovers, crashProgram } = made;
    const bench = engineBench('case', made);
    const { it, run, file } = bench;
    const sh = (script: string, spec: Omit<JobSpecInput, 'command'> = {}, more: Partial<RunRequest> = {}) => run({ command: ['sh', '-c', script], ...spec }, more);

    describe('commands', () => {
      it('reports exit codes', async () => {
        for (const code of [0, 1, 42, 255]) {
          const result = await sh(`exit ${code}`);
          assert.deepEqual([result.exitCode, result.ended], [code, 'exit']);
        }
      });
      it('reports a signal as 128 + n', async () => {
        for (const [signal, code] of [['KILL', 137], ['TERM', 143], ['INT', 130], ['SEGV', 139]] as const) {
          const result = await sh(`kill -${signal} $$`);
          assert.deepEqual([result.exitCode, result.ended, result.stdout, result.stderr], [code, 'signal', '', '']);
        }
      });
      it('reports a command that is not there as 127, and one that cannot be executed as 126', async () => {
        const missing = await run({ command: ['no-such-program'] });
        assert.equal(missing.exitCode, 127);
        assert.match(missing.stderr, /no-such-program/);
        assert.equal((await run({ command: ['/bin/no-such-program'] })).exitCode, 127);
        assert.equal((await run({ command: ['/etc/passwd'] })).exitCode, 126);
        assert.equal((await run({ command: ['passwd'], env: { PATH: '/etc' } })).exitCode, 126);
      });
      it('passes arguments as they are', async () => {
        const args = ['', ' ', '*', '$HOME', '`id`', '"', '\'', '\\', 'a\nb', '-n', 'äöü€', ';'];
        const result = await run({ command: ['sh', '-c', 'for a; do printf "<%s>" "$a"; done', 'sh', ...args] });
        assert.equal(result.stdout, args.map((a) => `<${a}>`).join(''));
      });
      it('gives the environment of the spec, a PATH, a HOME, and nothing of its own', async () => {
        const result = await run({ command: ['env'], env: { COLOUR: 'sea green', EMPTY: '', MULTI: 'a\nb' } });
        const lines = result.stdout.trim().split('\n').sort();
        assert.deepEqual(lines, ['COLOUR=sea green', 'EMPTY=', 'HOME=/work', 'MULTI=a', 'b', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].sort());
        assert.equal((await run({ command: ['/bin/env'], env: { PATH: '/nowhere' } })).stdout, 'HOME=/work\nPATH=/nowhere\n');
      });
      it('starts in the working directory, which is writable and empty', async () => {
        const result = await sh('pwd; ls -A | wc -l; echo x > y && cat y', { workdir: '/some/where/deep' });
        assert.equal(result.stdout, '/some/where/deep\n0\nx\n');
      });
      it('leaves standard input empty', async () => {
        assert.equal((await sh('cat; echo end')).stdout, 'end\n');
      });
      it('ends a job with its first process, whatever is left in the background', async () => {
        const result = await sh('sleep 1000 & (setsid sleep 1000 &) ; echo done');
        assert.deepEqual([result.exitCode, result.stdout], [0, 'done\n']);
      });
    });

    describe('inputs and outputs', () => {
      it('mounts a file and a directory where the spec says, read-only', async () => {
        const source = await file('plain', 'content\n');
        const tree = path.join(bench.directory, 'tree');
        await mkdir(path.join(tree, 'sub'), { recursive: true });
        await writeFile(path.join(tree, 'sub', 'leaf'), 'leaf\n');
        const result = await sh('cat /inputs/a /data/set/sub/leaf; echo x > /inputs/a; echo x > /data/set/new; rm -f /data/set/sub/leaf; ls /data/set', {}, {
          inputs: [{ path: source, target: '/inputs/a' }, { path: tree, target: '/data/set' }],
        });
        assert.equal(result.stdout, 'content\nleaf\nsub\n');
        assert.equal(result.stderr.match(/Read-only file system/g)?.length, 3);
        assert.equal(await readFile(path.join(tree, 'sub', 'leaf'), 'utf8'), 'leaf\n');
      });
      it('mounts into places that the image has, without hiding what lies beside', async () => {
        const source = await file('plain', 'content\n');
        const result = await sh('cat /etc/extra /usr/bin/data; test -s /etc/passwd && test -x /usr/bin/cat && echo both', {}, {
          inputs: [{ path: source, target: '/etc/extra' }, { path: source, target: '/usr/bin/data' }],
        });
        assert.equal(result.stdout, 'content\ncontent\nboth\n');
        assert.ok(!(await readdir(path.join(rootfs, 'etc'))).includes('extra'), 'the image is untouched');
      });
      it('takes inputs inside the working directory, which stays writable', async () => {
        const source = await file('plain', 'content\n');
        const result = await sh('cat in/a; echo y > in/b; cat in/b; echo z > c; cat c', {}, { inputs: [{ path: source, target: '/work/in/a' }] });
        assert.equal(result.stdout, 'content\ny\nz\n');
      });
      it('takes odd file names', async () => {
        const odd = 'a b\'c"d\\e$f*g\nh,i:jä';
        const source = await file(`odd ${odd}`, 'odd\n');
        const result = await sh('cat /inputs/*; cd /outputs; echo made > "$NAME"; ls | wc -l', { env: { NAME: odd } }, { inputs: [{ path: source, target: `/inputs/${odd}` }] });
        assert.match(result.stdout, /^odd\n/, result.stderr);
        assert.deepEqual(await readdir(result.outputs[0]!.path), [odd]);
      });
      it('hands out what the job leaves in its output directories', async () => {
        const result = await sh('echo 1 > /outputs/one; mkdir /results/deep; echo 2 > /results/deep/two', { outputs: [{ name: 'a', path: '/outputs' }, { name: 'b', path: '/results' }] });
        const [a, b] = result.outputs;
        assert.deepEqual([a!.name, b!.name], ['a', 'b']);
        assert.equal(await readFile(path.join(a!.path, 'one'), 'utf8'), '1\n');
        assert.equal(await readFile(path.join(b!.path, 'deep/two'), 'utf8'), '2\n');
      });
      it('takes a file below the working directory for an output, and notes one that was not made', async () => {
        const result = await sh('sort > out.txt < /etc/passwd', { outputs: [{ name: 'sorted', path: '/work/out.txt' }, { name: 'other', path: '/work/other' }] });
        assert.equal(result.outputs.length, 1);
        assert.match(await readFile(result.outputs[0]!.path, 'utf8'), /^nobody/);
        assert.deepEqual(result.notes, ['output other does not exist']);
      });
      it('hands out no output that is a link, or lies behind one', async () => {
        const result = await sh('ln -s /etc link; ln -s /etc dir', { outputs: [{ name: 'a', path: '/work/link' }, { name: 'b', path: '/work/dir/passwd' }] });
        assert.deepEqual(result.outputs, []);
        assert.equal(result.notes.length, 2);
      });
      it('refuses an input that the job could not read, before anything starts', async () => {
        const secret = await file('secret', 'x');
        await chmod(secret, 0o600);
        for (const source of [secret, path.join(bench.directory, 'absent'), '/dev/null']) {
          await assert.rejects(sh('true', {}, { inputs: [{ path: source, target: '/inputs/a' }] }), (error) => isError(error, 'INPUT_UNREADABLE'));
        }
      });
      it('lets nothing be mounted over /proc and /dev, not even by links of the image', async () => {
        const image = path.join(bench.directory, 'linked');
        await mkdir(image);
        await symlink('../../../proc', path.join(image, 'data'));
        const source = await file('plain', 'content\n');
        await assert.rejects(sh('true', {}, { rootfs: image, inputs: [{ path: source, target: '/data/version' }] }), (error) => isError(error, 'REQUEST_INVALID'));
      });
    });

    describe('logs', () => {
      it('keeps both streams apart, and reports them live', async () => {
        const seen = { stdout: '', stderr: '' };
        const result = await sh('echo out; echo err >&2; echo again > /dev/stdout; echo bad > /dev/stderr', {}, {
          onLog: (stream, chunk) => { seen[stream] += Buffer.from(chunk).toString(); },
        });
        assert.deepEqual([result.stdout, result.stderr], ['out\nagain\n', 'err\nbad\n']);
        assert.deepEqual(seen, { stdout: result.stdout, stderr: result.stderr });
      });
      it('cuts a log at its limit, lets the job go on, and notes it', async () => {
        const result = await sh('yes | head -c 3000000; echo finished > /outputs/mark; exit 3', { resources: { logBytes: 100_000 } });
        assert.deepEqual([result.exitCode, result.ended, result.stdout.length], [3, 'exit', 100_000]);
        assert.deepEqual(result.notes, ['stdout was cut at 100000 bytes']);
        assert.deepEqual(await readdir(result.outputs[0]!.path), ['mark']);
      });
      it('carries binary output unchanged', async () => {
        const bytes = randomBytes(300_000);
        const result = await sh('cat /inputs/a', {}, { inputs: [{ path: await file('binary', bytes), target: '/inputs/a' }] });
        assert.ok(bytes.equals(await readFile(result.stdoutPath)));
      });
    });

    describe('limits', () => {
      it('ends a job at its time limit', async () => {
        const result = await sh('sleep 1000', { resources: { timeoutMs: 300 } });
        assert.deepEqual([result.exitCode, result.ended], [143, 'timeout']);
      });
      it('kills a job that will not end, children and all', async () => {
        const result = await sh('trap "" TERM; while :; do sleep 1000 & wait; done', { resources: { timeoutMs: 2000 } });
        assert.deepEqual([result.exitCode, result.ended], [137, 'timeout']);
      });
      it('kills a job that takes more memory than it may', async () => {
        const result = await sh('head -c 200m /dev/zero | tail', { resources: { memoryBytes: '48MiB' } });
        assert.deepEqual([result.exitCode, result.ended], [137, 'memory']);
      });
      it('counts /tmp and /dev/shm as memory', async () => {
        const result = await sh('head -c 100m /dev/zero > /tmp/a; head -c 100m /dev/zero > /dev/shm/a', { resources: { memoryBytes: '64MiB' } });
        assert.notEqual(result.exitCode, 0);
      });
      it('starts with very little of everything', async () => {
        const result = await run({ command: ['echo', 'small'], resources: { memoryBytes: '4MiB', diskBytes: '1MiB', cpus: 0.05, processes: 1 } });
        assert.deepEqual([result.exitCode, result.stdout], [0, 'small\n']);
      });
      it('bounds a fork bomb', async () => {
        const result = await sh('bomb() { bomb | bomb & }; bomb; sleep 1000', { resources: { processes: 40, timeoutMs: 1500 } });
        assert.equal(result.ended, 'timeout');
        assert.ok(Math.max(...result.trace.channels.processes!) <= 40);
      });
      it('ends a job whose disk is full, and lets one use all it was promised', async () => {
        const fits = await sh('head -c 16m /dev/zero > /outputs/a', { resources: { diskBytes: '16MiB' } });
        assert.deepEqual([fits.exitCode, fits.ended, fits.stderr], [0, 'exit', '']);
        const result = await sh('dd if=/dev/zero of=/outputs/a bs=1M count=64', { resources: { diskBytes: '16MiB' } });
        assert.deepEqual([result.exitCode, result.ended], [1, 'disk']);
        assert.match(result.stderr, /No space left/);
      });
      it('does not blame the disk when the job came to terms with it', async () => {
        assert.equal((await sh('head -c 64m /dev/zero > /outputs/a; exit 0', { resources: { diskBytes: '4MiB' } })).ended, 'exit');
      });
      it('holds a job to its share of the CPU', async () => {
        const { trace } = await sh('end=$(($(date +%s) + 2)); while [ $(date +%s) -lt $end ]; do :; done', { resources: { cpus: 0.25 } });
        const share = trace.channels.cpuNs!.at(-1)! / 1e6 / trace.t.at(-1)!;
        assert.ok(share > 0.02 && share < 0.35, `share ${share}`);
      });
    });

    describe('isolation', () => {
      it('has no network', async () => {
        const result = await sh('grep -c : /proc/net/dev; ping -c 1 -W 1 1.1.1.1; nc -w 1 1.1.1.1 80 && echo reached');
        assert.equal(result.stdout.split('\n')[0], '1', 'loopback alone');
        assert.doesNotMatch(result.stdout, /reached|bytes from/);
      });
      it('cannot write outside its own directories', async () => {
        const result = await sh('for d in / /bin /etc /usr /proc /sys /dev /.gadus; do touch $d/x 2>/dev/null && echo $d; done; exit 0');
        assert.equal(result.stdout, '');
      });
      it('has no devices but the harmless ones, and cannot make any', async () => {
        const result = await sh('for f in /dev/*; do [ -L $f ] && continue; [ -b $f ] && echo $f; [ -c $f ] && echo $f; done; mknod /work/sda b 8 0 2>/dev/null && echo made');
        assert.equal(result.stdout.trim().split('\n').sort().join(' '), '/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero');
      });
      it('is nobody, without capabilities, and cannot become anybody', async () => {
        const result = await sh('id -u; id -G; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -s "\\t " " "; su root -c id 2>/dev/null; mount -t tmpfs x /work 2>/dev/null || unshare -U id 2>/dev/null || chroot / id 2>/dev/null || echo none');
        assert.deepEqual(result.stdout.trim().split('\n'), [
          '65534', '65534', 'CapInh: 0000000000000000', 'CapPrm: 0000000000000000', 'CapEff: 0000000000000000', 'CapBnd: 0000000000000000',
          'CapAmb: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'none',
        ]);
      });
      it('sees only its own processes, and cannot touch the engine\'s', async () => {
        const result = await sh('ls -d /proc/[0-9]* | wc -l; ls /proc/1/fd 2>/dev/null; cat /proc/1/environ 2>/dev/null; for s in TERM HUP INT QUIT KILL STOP USR1; do kill -$s 1; done; for f in /proc/self/fd/*; do readlink $f; done | grep -E "status|socket"; echo alive');
        const lines = result.stdout.trim().split('\n');
        assert.ok(Number(lines[0]) <= 5);
        assert.deepEqual([lines.length, lines.at(-1), result.exitCode], [2, 'alive', 0]);
      });
      it('cannot lie about its end', async () => {
        const result = await sh('for n in 1 $$; do for f in 3 4 5; do echo "exit 0" > /proc/$n/fd/$f; echo 0 > /proc/$n/fd/$f; done; done 2>/dev/null; echo "exit 0"; exit 7');
        assert.equal(result.exitCode, 7);
      });
    });

    describe('life', () => {
      it('ends at once and cleans up when aborted', async () => {
        for (const script of ['sleep 1000', 'trap "" TERM INT; while :; do :; done']) {
          const controller = new AbortController();
          await assert.rejects(sh(script, {}, { signal: controller.signal, onStart: () => controller.abort() }), (error) => isError(error, 'ABORTED'));
          assert.deepEqual(await leftovers(), []);
        }
      });
      it('ends when aborted at any moment of its start', async () => {
        await assert.rejects(sh('true', {}, { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
        for (const ms of [1, 10, 30, 60]) {
          await assert.rejects(sh('sleep 1000', {}, { signal: AbortSignal.timeout(ms) }), (error) => isError(error, 'ABORTED'));
          assert.deepEqual(await leftovers(), []);
        }
      });
      it('runs several at a time', async () => {
        const results = await Promise.all(Array.from({ length: 6 }, (_, i) => sh(`echo ${i} > /outputs/n; sleep 0.2; cat /outputs/n`)));
        assert.deepEqual(results.map((result) => result.stdout), results.map((_, i) => `${i}\n`));
      });
      it('refuses a second run of the same id, and a malformed one', async () => {
        const first = await run({ command: ['true'] }, { id: 'same' });
        await assert.rejects(run({ command: ['true'] }, { id: 'same' }), (error) => isError(error, 'REQUEST_INVALID'));
        await first.release();
        for (const id of ['', 'A', '../x', 'x'.repeat(61)]) {
          await assert.rejects(run({ command: ['true'] }, { id }), (error) => isError(error, 'REQUEST_INVALID'));
        }
      });
      it('refuses a sampling interval that is none', async () => {
        for (const sampleIntervalMs of [0, -1, Number.NaN]) {
          await assert.rejects(run({ command: ['true'] }, { sampleIntervalMs }), (error) => isError(error, 'REQUEST_INVALID'));
        }
      });
      it('keeps files until they are released, and bears being released twice', async () => {
        const result = await sh('echo x > /outputs/x');
        await engine.sweep();
        assert.equal(await readFile(path.join(result.outputs[0]!.path, 'x'), 'utf8'), 'x\n');
        await result.release();
        await result.release();
        await assert.rejects(readFile(result.stdoutPath));
      });
      it('sweeps what a killed process left behind', async () => {
        const child = spawn(process.execPath, ['--input-type=module', '--eval', crashProgram(['sleep', '1000'])], { stdio: ['ignore', 'pipe', 'inherit'] });
        const [chunk] = await once(child.stdout, 'data');
        assert.match(String(chunk), /started/);
        await engine.sweep();
        assert.notDeepEqual(await leftovers(), [], 'a live process\'s run is left alone');
        child.kill('SIGKILL');
        await once(child, 'exit');
        await engine.sweep();
        assert.deepEqual(await leftovers(), []);
      });
    });

    describe('trace', () => {
      it('is well-formed', async () => {
        const { trace, sampling, environment } = await sh('i=0; while [ $i -lt 200 ]; do i=$((i + 1)); /bin/true; done; sleep 0.2; echo x > /outputs/x');
        assert.equal(trace.version, 1);
        assert.equal(trace.engine, engine.name);
        assert.equal(trace.t[0], 0);
        assert.ok(trace.t.every((t, i) => i === 0 || t > trace.t[i - 1]!), 'time rises strictly');
        for (const [channel, series] of Object.entries(trace.channels)) {
          assert.equal(series.length, trace.t.length, channel);
          assert.ok(series.every((value) => Number.isFinite(value) && value >= 0), channel);
          if (CHANNELS[channel as keyof typeof CHANNELS].kind === 'level') continue;
          assert.equal(series[0], 0, `${channel} starts at 0`);
          assert.ok(series.every((value, i) => i === 0 || value >= series[i - 1]!), `${channel} never falls`);
        }
        assert.equal(sampling.samples, trace.t.length);
        assert.deepEqual(Object.keys(environment).sort(), ['cgroup', 'cores', 'cpu', 'engine', 'gadus', 'kernel', 'runtime']);
        const probe = await engine.probe();
        assert.deepEqual(Object.keys(trace.channels).sort(), [...probe.channels].sort(), 'the probe says what is seen');
      });
      it('counts what is read and written', async () => {
        const bytes = 20 * MiB;
        const source = await file('large', new Uint8Array(bytes));
        const { trace } = await sh('cat /inputs/x > /dev/null', {}, { inputs: [{ path: source, target: '/inputs/x' }] });
        const read = trace.channels.readBytes!.at(-1)!;
        assert.ok(Math.abs(read / bytes - 1) < 0.05, `${read} of ${bytes}`);
        const written = (await sh('head -c 5000000 /dev/zero > /outputs/a')).trace.channels;
        assert.ok(Math.abs(written.writtenBytes!.at(-1)! / 5e6 - 1) < 0.05);
        assert.ok(Math.abs(written.outputBytes!.at(-1)! / 5e6 - 1) < 0.05);
      });
      it('counts processes that live shorter than a sample', async () => {
        const source = await file('piece', new Uint8Array(MiB));
        const { trace } = await sh('i=0; while [ $i -lt 50 ]; do i=$((i + 1)); cat /inputs/x > /dev/null; done', {}, { inputs: [{ path: source, target: '/inputs/x' }] });
        assert.ok(Math.abs(trace.channels.readBytes!.at(-1)! / (50 * MiB) - 1) < 0.05);
        assert.ok(trace.channels.minorFaults!.at(-1)! > 50 * 20);
      });
      it('counts children that nobody waited for', async () => {
        const source = await file('piece', new Uint8Array(4 * MiB));
        // The parent becomes a program that never waits, so the child stays a zombie.
        const { trace } = await sh('sh -c \'cat /inputs/x > /dev/null & exec sleep 0.3\'', {}, { inputs: [{ path: source, target: '/inputs/x' }] });
        assert.ok(Math.abs(trace.channels.readBytes!.at(-1)! / (4 * MiB) - 1) < 0.05);
      });
      it('has the same totals twice', async () => {
        const job = () => sh('seq 1 100000 | sort -r | head -n 5; cat /bin/busybox | sha256sum');
        const [a, b] = [(await job()).trace.channels, (await job()).trace.channels];
        assert.ok(Math.abs(a.readBytes!.at(-1)! / b.readBytes!.at(-1)! - 1) < 0.02);
        assert.ok(Math.abs(a.minorFaults!.at(-1)! / b.minorFaults!.at(-1)! - 1) < 0.1);
        assert.equal(a.outputBytes!.at(-1), b.outputBytes!.at(-1));
      });
      it('sees the CPU time of a busy loop, as the job itself does', async () => {
        const result = await sh('time -p sh -c "i=0; while [ \\$i -lt 500000 ]; do i=\\$((i + 1)); done"');
        const [user, system] = ['user', 'sys'].map((name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(result.stderr)![1]));
        const { cpuNs, cpuUserNs, cpuSystemNs } = result.trace.channels;
        const seen = cpuNs!.at(-1)! / 1e9;
        assert.ok(user! + system! > 0.1 && Math.abs(seen - user! - system!) < 0.1 * seen + 0.02, `${seen} s seen, ${user} + ${system} s told`);
        assert.ok(Math.abs((cpuUserNs!.at(-1)! + cpuSystemNs!.at(-1)!) / cpuNs!.at(-1)! - 1) < 0.05);
      });
      it('sees memory come', async () => {
        const { trace } = await sh('x=$(head -c 40000000 /dev/zero | tr "\\0" x); sleep 0.1; echo ${#x}');
        const peak = Math.max(...trace.channels.residentBytes!);
        assert.ok(peak > 40e6 && peak < 250e6, String(peak));
      });
      it('sees the log grow', async () => {
        const result = await sh('yes | head -c 1000000');
        assert.equal(result.trace.channels.outputBytes!.at(-1), 1_000_000);
      });
    });
  });
}
