import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { SuiteContext } from './suite-context.ts';

/** How a job is called, and how its end is reported. */
export function commandsSuite({ it, run, sh }: SuiteContext): void {
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
}
