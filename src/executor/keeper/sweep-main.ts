import { setTimeout as sleep } from 'node:timers/promises';
import { createContainerHost } from '../container/container-host.ts';
import { ownerIsAlive } from '../container/run-directory.ts';
import { OWNER_GONE_POLL_MS, OWNER_GONE_TIMEOUT_MS } from '../constants.ts';
import { createDockerEngine } from '../docker/docker-engine.ts';
import type { KeptEngine } from './keeper.ts';
import { createMicrovmEngine } from '../microvm/microvm-engine.ts';

/** What a keeper becomes when the process it keeps has died and left runs: ends them and removes what they have on this machine. */
const { GADUS_ENGINE, GADUS_STATE: stateDir = '', GADUS_PLACE: place = '', GADUS_OWNER: owner = '' } = process.env;

const SWEEPS: Record<KeptEngine, () => Promise<void>> = {
  container: () => createContainerHost({ stateDir, ...(place === '' ? {} : { runtime: place }) }).sweep(),
  docker: () => createDockerEngine({ stateDir, ...(place === '' ? {} : { socketPath: place }) }).sweep(),
  microvm: () => createMicrovmEngine({ stateDir, guestDir: stateDir, emulate: false }).sweep(),
};

// Its files are closed a moment before a process is gone, and until then its runs are its own.
for (const end = performance.now() + OWNER_GONE_TIMEOUT_MS; ownerIsAlive(owner) && performance.now() < end;) await sleep(OWNER_GONE_POLL_MS);
await SWEEPS[GADUS_ENGINE as KeptEngine]();
