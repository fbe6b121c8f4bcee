import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from './until.ts';
import { runWatched, type Watched } from './run-watched.ts';

/** Silence that nobody here keeps, ms. */
const NEVER_MS = 600_000;

/** Runs what says `begun` and then nothing: with a longer silence each time until the machine has come as far as that. */
async function hang(program: string, args: readonly string[], endMs?: number): Promise<Watched> {
  for (let silenceMs = 500; ; silenceMs *= 2) {
    const watched = await runWatched(program, args, { silenceMs, ...(endMs === undefined ? {} : { endMs }) });
    assert.equal(watched.silent, true, watched.output);
    if (watched.output.includes('begun')) return watched;
  }
}
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const pidIn = (output: string): number => Number(/pid (\d+)/.exec(output)![1]);

test('a program that ends: its code, and all it said', async () => {
  assert.deepEqual(await runWatched('sh', ['-c', 'echo out; echo err >&2; exit 3'], { silenceMs: NEVER_MS }).then(({ output, ...rest }) => ({ ...rest, lines: output.split('\n').sort() })), {
    code: 3, silent: false, lines: ['', 'err', 'out'],
  });
  await assert.rejects(runWatched('/nonexistent/program', [], { silenceMs: NEVER_MS }), { code: 'ENOENT' });
});

test('a test that never ends is named, and what passed before it is shown', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-run-watched-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'hangs.test.mjs');
  await writeFile(file, `
    import { describe, test } from 'node:test';
    describe('a suite', () => {
      test('ends', () => {});
      test('hangs for ever', async () => { console.log('begun'); setInterval(() => {}, 1000); await new Promise(() => {}); });
    });
  `);
  const { output, code } = await hang(process.execPath, ['--test', '--test-isolation=none', file]);
  assert.match(output, /ends \(/);
  assert.match(output, /Interrupted while running:\s+. hangs for ever/);
  assert.notEqual(code, 0);
});

test('what ignores being interrupted is killed, and its children with it', async () => {
  const { output, code } = await hang('sh', ['-c', 'trap "" INT; sleep 600 & echo begun pid $!; wait'], 200);
  assert.equal(code, null);
  await until('the child is gone', () => !isAlive(pidIn(output)));
});

test('who left the group and holds on to the output is not waited for', async () => {
  const { output } = await hang('sh', ['-c', 'setsid sh -c "echo begun pid \\$\\$; exec sleep 600" & exit 0'], 200);
  process.kill(pidIn(output), 'SIGKILL');
});

test('aborted, it ends', async () => {
  const { silent, output } = await runWatched('sh', ['-c', 'echo begun; exec sleep 600'], { silenceMs: NEVER_MS, signal: AbortSignal.abort() });
  assert.equal(silent, false, output);
});
