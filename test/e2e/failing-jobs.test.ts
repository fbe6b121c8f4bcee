import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { settledJob, useNetwork } from '../network.ts';

const MiB = 1024 ** 2;
const KIB_64 = 64 * 1024;

interface Case { spec: JobSpecInput; ended: string; exitCode?: number; stdoutBytes?: number; stdout?: string }

/** Where the result says all. */
const EXACT = { policy: 'exact' } as const;

/** A job that fails is a result like any other: replicas agree on how it ended, and are paid. */
const cases: Record<string, Case> = {
  'exit code 3': { spec: { command: ['sh', '-c', 'echo partial; exit 3'], verification: EXACT }, ended: 'exit', exitCode: 3, stdout: 'partial\n' },
  'command not found': { spec: { command: ['no-such-command'], verification: EXACT }, ended: 'exit', exitCode: 127 },
  'killed by a signal of its own': { spec: { command: ['sh', '-c', 'kill -9 $$'], verification: EXACT }, ended: 'signal', exitCode: 137 },
  'time limit': { spec: { command: ['sh', '-c', 'echo begun; sleep 600'], resources: { timeoutMs: 2000 }, verification: EXACT }, ended: 'timeout', stdout: 'begun\n' },
  'time limit, SIGTERM ignored': {
    // Ignored signals are inherited. One sleep, not many: how many begin in the time there is up to the scheduler.
    spec: { command: ['sh', '-c', 'trap "" TERM INT HUP; echo begun; sleep 600; :'], resources: { timeoutMs: 2000 }, verification: EXACT }, ended: 'timeout', stdout: 'begun\n',
  },
  // It grows over many samples: a sampler cannot see a peak that comes and goes between two.
  'memory limit': { spec: { command: ['awk', 'BEGIN { for (;;) a[++i] = i }'], resources: { memoryBytes: 64 * MiB, timeoutMs: '2m' } }, ended: 'memory', exitCode: 137 },
  'disk limit': { spec: { command: ['dd', 'if=/dev/zero', 'of=/outputs/big', 'bs=64k', 'count=1024'], resources: { diskBytes: 32 * MiB } }, ended: 'disk', exitCode: 1 },
  'four thousand times the log that is kept': {
    spec: { command: ['dd', 'if=/dev/zero', 'bs=1M', 'count=256'], resources: { logBytes: KIB_64 }, verification: { replicas: 1, audit: 0 } }, ended: 'exit', exitCode: 0, stdoutBytes: KIB_64,
  },
  // A node that failed by them would be absent, and lose its stake to whoever asks for such a job.
  'outputs that no result can hold': {
    spec: { command: ['sh', '-c', 'cd /outputs; echo kept > f; touch "$(printf "\\377")"; truncate -s 1000G sparse; n=$(printf %0250d 0); i=0; while [ $i -lt 20 ]; do mkdir $n && cd -P $n 2>/dev/null || break; i=$((i + 1)); done; echo done'] },
    ended: 'exit', exitCode: 0, stdout: 'done\n',
  },
  'fork bomb': {
    // How far it gets is up to the scheduler, so there is nothing to compare.
    spec: { command: ['sh', '-c', 'bomb() { bomb | bomb & }; bomb; sleep 1; exit 7'], resources: { processes: 32, timeoutMs: '1m' }, verification: { policy: 'none' } }, ended: 'exit',
  },
};

describe('jobs that fail', () => {
  const network = useNetwork({ shared: true, nodes: 4 });

  for (const [name, { spec, ended, exitCode, stdout, stdoutBytes }] of Object.entries(cases)) {
    test(name, async () => {
      const net = network();
      const { client } = await net.client();
      const record = await client.submit({ ...spec, name, verification: { replicas: 2, ...spec.verification } });
      const state = await settledJob(client, record);
      assert.deepEqual(state.verdicts, state.verdicts.map(() => 'agreed'), JSON.stringify(record.findings));
      assert.ok(record.findings!.every((finding) => finding.ended === ended), JSON.stringify(record.findings!.map((finding) => finding.ended)));
      if (exitCode !== undefined) assert.equal(client.resultOf(record).exitCode, exitCode);
      const folder = join(net.dir, `result-${record.jobId}`);
      await client.fetchResult(record, folder);
      if (stdout !== undefined) assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), stdout);
      if (stdoutBytes !== undefined) assert.equal((await stat(join(folder, 'stdout'))).size, stdoutBytes);
    });
  }
});
