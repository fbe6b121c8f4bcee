import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Endpoint, Evidence } from '../../protocol/index.ts';
import { MIN_SAMPLE_INTERVAL_MS } from '../constants.ts';
import { removeRun } from '../container/leftovers.ts';
import { planMounts } from '../container/mount-plan.ts';
import { noteBase } from '../container/run-base.ts';
import { createRunDirectory, type RunDirectory } from '../container/run-directory.ts';
import { imageBytes } from '../container/scratch.ts';
import { releaseOnce } from '../container/release-once.ts';
import { endedBy, wasFull } from '../container/run-container.ts';
import { grantedEndpoints, type NetworkRules } from '../egress/network-rules.ts';
import type { RunRequest, RunResult } from '../engine.ts';
import { environment } from '../environment.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { keepRuns, type Kept } from '../keeper/keeper.ts';
import type { Guest } from '../guest/guest.ts';
import { tidyOutputs } from '../outputs/tidy-outputs.ts';
import { withAbort, type OrAbort } from '../with-abort.ts';
import { MAX_VCPUS } from './constants.ts';
import { guestMemoryBytes } from './guest-memory.ts';
import { guestOrders } from './guest-orders.ts';
import { guestSession, type GuestOutcome, type Patience } from './guest-session.ts';
import { prepareDisks } from './prepare-disks.ts';
import { guestEgress } from './tunnel/guest-egress.ts';
import type { Vmm, VmmKind } from './vmm.ts';

export interface MicrovmContext {
  stateDir: string;
  guest: Guest;
  kind: VmmKind;
  /** What jobs may have of the network; nothing when left out. */
  network?: NetworkRules;
  /** Other limits for the guest than the usual ones, for tests. */
  patience?: Partial<Patience>;
}

/** One run, from request to result, in a virtual machine of its own. On any failure nothing of it is left. */
export async function runMicrovm(context: MicrovmContext, request: RunRequest): Promise<RunResult> {
  const { signal, sampleIntervalMs } = request;
  if (signal?.aborted) throw aborted(signal);
  if (!(sampleIntervalMs >= MIN_SAMPLE_INTERVAL_MS && Number.isFinite(sampleIntervalMs))) {
    throw new ExecutorError('REQUEST_INVALID', 'not a sampling interval', { details: `${sampleIntervalMs} ms, at least ${MIN_SAMPLE_INTERVAL_MS}` });
  }
  const endpoints = grantedEndpoints(request.spec, 'microvm', context.network);
  const kept = await keepRuns('microvm', context.stateDir);
  if (signal?.aborted) throw aborted(signal);
  const run = createRunDirectory(context.stateDir, request.id);
  noteBase(run, kept);
  try {
    return await withAbort(signal, (orAbort) => execute(context, request, endpoints, { run, kept }, orAbort));
  } catch (error) {
    await removeRun({ stateDir: context.stateDir, layout: undefined, runtimePath: undefined }, run);
    throw error;
  }
}

async function execute({ stateDir, guest, kind, network, patience }: MicrovmContext, request: RunRequest, endpoints: readonly Endpoint[], { run, kept }: { run: RunDirectory; kept: Kept }, orAbort: OrAbort): Promise<RunResult> {
  const { spec, signal } = request;
  const plan = planMounts(request);
  const disks = await prepareDisks(stateDir, request, plan, run);
  if (signal?.aborted) throw aborted(signal);
  const outputsPath = path.join(run.path, 'outputs');
  await mkdir(outputsPath);
  const vmm = await kind.start({
    name: run.name, directory: run.path, kernel: guest.kernel, initrd: guest.initrd, disks,
    memoryBytes: guestMemoryBytes(spec.resources),
    vcpus: Math.min(Math.max(1, Math.ceil(spec.resources.cpus)), availableParallelism(), MAX_VCPUS),
    network: endpoints.length > 0,
    ...(kept.base === undefined ? {} : { groupBase: kept.base }),
    ...(signal ? { signal } : {}),
  });
  const egress = guestEgress(vmm, endpoints, network);
  let outcome: GuestOutcome;
  try {
    const orders = guestOrders(request, plan, (name) => kind.disk(disks, name), disks.length - FIXED_DISKS);
    const session = guestSession(vmm.channel, { ...request, orders, stdoutPath: run.stdout, stderrPath: run.stderr, outputsPath, ...(egress ? { beforeStart: egress.open } : {}), ...(patience ? { patience } : {}) });
    try {
      outcome = await orAbort(egress ? Promise.race([session, egress.broken]) : session);
    } finally {
      await vmm.kill();
      vmm.channel.destroy();
      await session.catch(() => undefined);
      await egress?.close();
    }
  } catch (error) {
    throw withLastWords(error, vmm);
  }

  const { notes } = outcome;
  const { outputs, notes: untidy } = await tidyOutputs(outcome.outputs, imageBytes(spec.resources.diskBytes));
  notes.push(...untidy);
  for (const { name } of spec.outputs) {
    if (!outcome.outputs.some((output) => output.name === name) && !notes.some((note) => note.startsWith(`output ${name} `))) notes.push(`output ${name} does not exist`);
  }
  return {
    exitCode: outcome.exitCode,
    ended: ending(outcome),
    trace: { version: 1, engine: 'microvm', intervalMs: outcome.intervalMs, t: outcome.t, channels: outcome.channels },
    outputs,
    ...(outcome.outputNotes === undefined ? {} : { outputNotes: outcome.outputNotes }),
    stdoutPath: run.stdout,
    stderrPath: run.stderr,
    environment: { ...environment('microvm', kind.runtime, 'v2'), kernel: outcome.release, ...(egress ? { network: egress.use() } : {}) },
    sampling: outcome.sampling,
    notes,
    release: releaseOnce(run),
  };
}

/** Image, index and scratch. */
const FIXED_DISKS = 3;

function ending({ exitCode, timedOut, memoryKills, before, after, channels, intervalMs, t, sampling, logBytes }: GuestOutcome): Evidence['ended'] {
  const full = wasFull(before, after, { intervalMs, t, channels, stats: sampling }, logBytes);
  return endedBy({ exitCode, timedOut, lost: false }, { outOfMemory: memoryKills > 0, outOfDisk: full });
}

/** A guest that fails says why on its console at best. */
function withLastWords(error: unknown, vmm: Vmm): unknown {
  const words = vmm.lastWords();
  if (!(error instanceof ExecutorError) || error.code === 'ABORTED' || words === '') return error;
  return new ExecutorError(error.code, error.shortMessage, { details: [error.details, words.slice(-1500)].filter(Boolean).join('; '), cause: error });
}
