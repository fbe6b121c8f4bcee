import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startGadus, startProgram, type Started } from '../cli.ts';
import { engineFolders, lastingLeftovers, leftovers, type Leftovers } from '../leftovers.ts';
import { markedFolder } from '../network.ts';
import { until } from '../until.ts';

const NOTHING: Leftovers = { processes: [], mounts: [], loopDevices: [], cgroups: [], files: [] };
/** Longest start of a network on a busy machine, ms. */
const START_TIMEOUT_MS = 180_000;
const DEMO = fileURLToPath(new URL('../../src/devnet/demo/main.ts', import.meta.url));

describe('a whole network is ended in the middle of a job', () => {
  let dir: string;
  let mark: string;
  let started: Started[] = [];
  const track = (one: Started): Started => { started.push(one); return one; };

  beforeEach(() => { ({ dir, mark } = markedFolder()); });
  afterEach(async () => {
    for (const { process } of started) process.kill('SIGKILL');
    started = [];
    await rm(dir, { recursive: true, force: true });
  });

  /** A devnet that runs a job, and the state folders of its engines. */
  const devnetAtWork = async (): Promise<{ devnet: Started; run: Started; engines: string[] }> => {
    const env = { GADUS_HOME: join(dir, 'home') };
    const devnet = track(startGadus(['devnet', '--nodes', '3'], { env, group: true }));
    await until('the network is up', () => devnet.stdout().includes('Ctrl-C ends the network'), { timeoutMs: START_TIMEOUT_MS });
    const run = track(startGadus(['run', '--', 'sh', '-c', 'echo begun; sleep 600'], { env }));
    await until('the job runs on all nodes', () => run.stdout().includes('begun') && leftovers(dir, mark).mounts.length === 6);
    return { devnet, run, engines: engineFolders(dir) };
  };
  const endRun = async (run: Started): Promise<void> => {
    run.process.kill('SIGINT');
    assert.equal((await run.ended).code, 130, run.stderr());
  };

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`gadus devnet, by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}: nothing is left`, async () => {
      const { devnet, run, engines } = await devnetAtWork();
      // A terminal sends Ctrl-C to everybody in the foreground.
      if (signal === 'SIGINT') process.kill(-devnet.process.pid!, signal);
      else devnet.process.kill(signal);
      assert.equal((await devnet.ended).code, 0, devnet.stderr());
      await endRun(run);
      assert.deepEqual(await lastingLeftovers(dir, mark, engines), NOTHING);
    });
  }

  test('gadus devnet, by SIGKILL: nodes and chain end by themselves, and nothing is left', async () => {
    const { devnet, run, engines } = await devnetAtWork();
    devnet.process.kill('SIGKILL');
    await devnet.ended;
    await endRun(run);
    await until(() => `everybody has ended; there are ${leftovers(dir, mark, engines).processes.join('\n')}`, () => leftovers(dir, mark, engines).processes.length === 0);
    assert.deepEqual(await lastingLeftovers(dir, mark, engines), NOTHING);
  });

  test('the demonstration, by Ctrl-C: 130, and nothing is left', async () => {
    const demo = track(startProgram(DEMO, ['--rows', '2000', '--pause', '1', '--out', join(dir, 'report.html')], { group: true }));
    await until('the job runs', () => demo.stderr().includes('drawn by lot') && leftovers(dir, mark).mounts.length > 0, { timeoutMs: START_TIMEOUT_MS });
    const engines = engineFolders(dir);
    assert.equal(engines.length, 4);
    process.kill(-demo.process.pid!, 'SIGINT');
    assert.equal((await demo.ended).code, 130, demo.stderr());
    assert.deepEqual(await lastingLeftovers(dir, mark, engines), NOTHING);
  });
});
