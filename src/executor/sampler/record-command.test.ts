import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { CHANNELS, isError } from '../../protocol/index.ts';
import { recordCommand, sampleProcessTree } from './record-command.ts';

const quiet = { stdio: ['ignore', 'ignore', 'ignore'] as ['ignore', 'ignore', 'ignore'] };

describe('recordCommand', () => {
  test('reports exit codes, signals, and commands that are not there', async () => {
    for (const [script, code] of [['exit 0', 0], ['exit 7', 7], ['kill -INT $$', 130], ['kill -KILL $$', 137]] as const) {
      assert.equal((await recordCommand(['sh', '-c', script], quiet)).exitCode, code);
    }
    assert.equal((await recordCommand(['no-such-program'], quiet)).exitCode, 127);
  });

  test('counts all descendants, however short they lived', async () => {
    const { trace, sampling } = await recordCommand(['sh', '-c', 'for i in 1 2 3 4 5; do head -c 1000000 /dev/zero > /dev/null; done; sleep 0.5'], quiet);
    const { readBytes, writtenBytes, minorFaults, processes } = trace.channels;
    assert.ok(Math.abs(readBytes!.at(-1)! / 5e6 - 1) < 0.1, String(readBytes!.at(-1)));
    assert.ok(Math.abs(writtenBytes!.at(-1)! / 5e6 - 1) < 0.1);
    assert.ok(minorFaults!.at(-1)! > 100);
    assert.equal(processes!.at(-1), 0);
    assert.ok(Math.max(...processes!) >= 1);
    for (const [name, series] of Object.entries(trace.channels)) {
      assert.equal(series.length, trace.t.length);
      if (CHANNELS[name as keyof typeof CHANNELS].kind === 'counter') assert.equal(series[0], 0);
    }
    assert.equal(sampling.samples, trace.t.length);
  });

  test('gives the command its streams and nothing else', async () => {
    const list = ['sh', '-c', 'ls /proc/self/fd'];
    const plain = execFileSync(list[0]!, list.slice(1), { encoding: 'utf8' });
    let text = '';
    await recordCommand(list, {
      stdio: ['ignore', 'pipe', 'inherit'],
      onStreams: ({ stdout }) => stdout!.on('data', (chunk: Buffer) => { text += chunk.toString(); }),
    });
    assert.equal(text, plain);
  });

  test('ends the command when aborted', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await assert.rejects(recordCommand(['sleep', '1000'], { ...quiet, signal: controller.signal }), (error) => isError(error, 'ABORTED'));
    await assert.rejects(recordCommand(['true'], { ...quiet, signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
  });
});

test('sampleProcessTree follows a process that runs already', async () => {
  const child = spawn('sh', ['-c', 'read line; head -c 3000000 /dev/zero > /dev/null; read line'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const controller = new AbortController();
  const sampled = sampleProcessTree(child.pid!, { intervalMs: 5, signal: controller.signal });
  child.stdin.write('\n');
  child.stdin.write('\n');
  await once(child, 'exit');
  const { trace } = await sampled;
  assert.ok(trace.t.length >= 2);
  assert.ok(trace.channels.cpuNs);
});
