import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createRunDirectory, closeRunDirectory, runPaths } from '../container/run-directory.ts';
import { jailId } from './firecracker/jail.ts';
import { sweepMonitors } from './sweep-monitors.ts';

test('monitors of dead owners are killed, those of live ones are not', async () => {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'gadus-sweep-'));
  const monitor = (...words: string[]) => spawn('/bin/sh', ['-c', 'read line', 'monitor', ...words], { stdio: ['pipe', 'ignore', 'ignore'] });
  const own = createRunDirectory(stateDir, 'own');
  // No process has this id: it is above the kernel's limit.
  const dead = runPaths(stateDir, '4194305-1-dead');
  await mkdir(dead.path, { recursive: true });
  const orphans = [monitor('-name', dead.name), monitor('--id', jailId(dead.name)), monitor(`--id=${jailId(dead.name)}`)];
  const kept = monitor('-name', own.name);
  try {
    const ends = orphans.map((child) => once(child, 'exit'));
    await sweepMonitors(stateDir);
    for (const [, signal] of await Promise.all(ends)) assert.equal(signal, 'SIGKILL');
    assert.equal(kept.exitCode ?? kept.signalCode, null);
  } finally {
    kept.kill('SIGKILL');
    for (const child of orphans) child.kill('SIGKILL');
    closeRunDirectory(own);
    await rm(stateDir, { recursive: true, force: true });
  }
});
