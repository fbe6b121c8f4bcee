import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CHANNELS } from '../../../../src/protocol/index.ts';
import type { SuiteContext } from './suite-context.ts';

const MiB = 1024 ** 2;
/** First length of what a sampler has to see, s. */
const FIRST_PAUSE_S = 0.4;
/** How many times longer than a sample was late there must be something to see. */
const PAUSE_PER_LATENESS = 4;

/** What the sampler saw. */
export function traceSuite({ engine, it, file, sh }: SuiteContext): void {
  describe('trace', () => {
    /** Runs what lasts for a number of seconds: for longer each time until that is long against how late the machine let the sampler be. */
    const lasting = async (script: (seconds: number) => string, more: Parameters<typeof sh>[2] = {}): ReturnType<typeof sh> => {
      for (let seconds = FIRST_PAUSE_S; ; seconds *= 2) {
        const result = await sh(script(seconds), {}, more);
        if (result.sampling.jitterP99Ms * PAUSE_PER_LATENESS < 1000 * seconds) return result;
      }
    };
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
      // The parent becomes programs that never wait, so the child stays a zombie for many samples.
      const { trace } = await lasting((seconds) => `sh -c '(cat /inputs/x > /dev/null; : > over) & exec sh -c "until [ -e over ]; do :; done; exec sleep ${seconds}"'`, { inputs: [{ path: source, target: '/inputs/x' }] });
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
      const { trace } = await lasting((seconds) => `x=$(head -c 40000000 /dev/zero | tr "\\0" x); sleep ${seconds}; echo \${#x}`);
      const peak = Math.max(...trace.channels.residentBytes!);
      assert.ok(peak > 40e6 && peak < 250e6, String(peak));
    });
    it('sees the log grow', async () => {
      const result = await sh('yes | head -c 1000000');
      assert.equal(result.trace.channels.outputBytes!.at(-1), 1_000_000);
    });
  });
}
