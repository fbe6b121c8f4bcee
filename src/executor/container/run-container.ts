import { closeSync, openSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import type { Evidence } from '../../protocol/index.ts';
import { applyLimits, memoryKills } from '../cgroup/group.ts';
import { cgroupFiles } from '../cgroup/layout.ts';
import { jobLimits, startLimits } from '../cgroup/limits.ts';
import { DISK_FULL_SHARE, MAX_DISK_FULL_BYTES, MIN_DISK_FULL_BYTES } from '../constants.ts';
import { grantedEndpoints } from '../egress/network-rules.ts';
import type { EgressProxy } from '../egress/egress-proxy.ts';
import { openEgress } from '../egress/open-egress.ts';
import type { RunRequest, RunResult } from '../engine.ts';
import { environment } from '../environment.ts';
import { keepRuns } from '../keeper/keeper.ts';
import { noteOutputs } from '../outputs/output-notes.ts';
import { aborted } from '../errors.ts';
import { removeTree } from '../outputs/remove-tree.ts';
import { tidyOutputs } from '../outputs/tidy-outputs.ts';
import type { Sampling } from '../sampler/sampler-protocol.ts';
import { startSampler, warmSampler } from '../sampler/sampler.ts';
import { alongWaypoints, readWaypoints } from '../sampler/waypoints.ts';
import { withAbort, type OrAbort } from '../with-abort.ts';
import { awaitEnd, endContainer, startContainer, type JobEnd } from './container.ts';
import { removeRun, runtimeRoot } from './leftovers.ts';
import { collectOutputs, growingOutputs } from './outputs.ts';
import { slotPaths } from './bundle.ts';
import type { ContainerVariant } from './container-variant.ts';
import { forgetProject } from './project-quota.ts';
import { prepareRun, type ContainerContext, type PreparedRun } from './prepare-run.ts';
import { noteBase } from './run-base.ts';
import { closeRunDirectory, createRunDirectory, type RunDirectory } from './run-directory.ts';
import { diskSpace, imageBytes, unmount, type DiskSpace } from './scratch.ts';

/**
 * One run, from request to result: mount, start, take the baseline, let go, watch, wait, take the totals, kill, collect.
 * On any failure nothing of it is left. `variant` is for an engine that has the container as its boundary.
 */
export async function runContainer(context: ContainerContext, request: RunRequest, variant?: ContainerVariant): Promise<RunResult> {
  const { signal } = request;
  if (signal?.aborted) throw aborted(signal);
  grantedEndpoints(request.spec, variant?.engine ?? 'container', context.network);
  const placed = { ...context, layout: { ...context.layout, ...await keepRuns('container', context.stateDir, context.runtime.path) } };
  if (signal?.aborted) throw aborted(signal);
  const run = createRunDirectory(context.stateDir, request.id);
  noteBase(run, placed.layout);
  try {
    return await withAbort(signal, (orAbort) => execute(placed, request, variant, run, orAbort));
  } catch (error) {
    await removeRun({ ...context, runtimePath: context.runtime.path }, run);
    throw error;
  }
}

/** SIGRTMAX. */
const LAST_SIGNAL = 64;

async function execute(context: ContainerContext, request: RunRequest, variant: ContainerVariant | undefined, run: RunDirectory, orAbort: OrAbort): Promise<RunResult> {
  const { spec, sampleIntervalMs: intervalMs, onLog, onStart, onSample } = request;
  const files = cgroupFiles(context.layout, run.name);
  warmSampler();
  const prepared = await prepareRun(context, request, run, variant);
  const { scratch } = prepared.mounts;
  const before = diskSpace(scratch);
  const statusFd = openSync(run.status, 'w+', 0o600);
  const counterFd = prepared.counter === undefined ? undefined : openSync(prepared.counter, 'r');
  let stopSampler: () => Promise<unknown> = () => Promise.resolve();
  let stopNotes: () => Promise<unknown> = () => Promise.resolve();
  let egress: EgressProxy | undefined;
  let stopEgress: () => Promise<unknown> = () => Promise.resolve();
  try {
    let keptBytes = 0;
    let report: (bytes: number) => void = () => undefined;
    const container = await orAbort(startContainer({
      runtime: context.runtime, runtimeRoot: runtimeRoot(context.stateDir), run, files, statusFd, logBytes: spec.resources.logBytes,
      onLog: (stream, chunk) => {
        report(keptBytes += chunk.length);
        onLog?.(stream, chunk);
      },
    }));
    const limits = jobLimits(spec.resources, variant?.overhead);
    if (JSON.stringify(limits) !== JSON.stringify(startLimits(limits))) applyLimits(files, limits);
    const opening = openEgress(container.initPid, grantedEndpoints(spec, variant?.engine ?? 'container', context.network), context.network, request.signal);
    stopEgress = async () => (await opening)?.stop();
    opening.catch(() => undefined);
    const { version, procs, pidsCurrent, cpu, memoryStat } = files;
    const starting = startSampler({ rootPid: container.initPid, cgroup: { version, procs, pidsCurrent, cpu, memoryStat }, scratchPath: scratch, statusFd, ...(counterFd === undefined ? {} : { counterFd }) }, { intervalMs, onSample });
    stopSampler = async () => (await starting).stop();
    const sampler = await orAbort(starting);
    report = sampler.logged;
    egress = await orAbort(opening);

    // In this order: on a crowded machine much of a short job is over before this thread comes to its next line.
    sampler.go();
    container.control.go();
    const noteTaker = noteOutputs([...growingOutputs(prepared.plan, scratch), { name: 'stdout', root: run.stdout, below: '' }], performance.now());
    stopNotes = () => noteTaker.stop();
    onStart?.();
    const end = await orAbort(awaitEnd(container, files, statusFd, spec.resources.timeoutMs));
    const [sampled, outputNotes] = await Promise.all([sampler.stop(), noteTaker.stop()]);
    const sampling = counterFd === undefined ? sampled : alongWaypoints(sampled, readWaypoints(counterFd));
    const outOfMemory = memoryKills(files) > 0;
    await orAbort(endContainer(container, end));
    await egress?.stop();

    const outOfDisk = wasFull(before, diskSpace(scratch), sampling, keptBytes);
    setLast(sampling.channels.outputBytes, diskSpace(scratch).used - before.used + keptBytes);
    const { outputs: left, notes } = collectOutputs(prepared.plan, scratch);
    const { outputs, notes: untidy } = await tidyOutputs(left, imageBytes(spec.resources.diskBytes));
    notes.push(...untidy);
    for (const stream of ['stdout', 'stderr'] as const) if (container[stream].cut) notes.push(`${stream} was cut at ${spec.resources.logBytes} bytes`);
    if (prepared.mounts.kind === 'tmpfs') notes.push('the disk was a tmpfs, counted in the job\'s memory: no loop device, or no root');
    return {
      exitCode: end.exitCode,
      ended: endedBy(end, { outOfMemory, outOfDisk }),
      trace: { version: 1, engine: variant?.engine ?? 'container', intervalMs: sampling.intervalMs, t: sampling.t, channels: sampling.channels },
      outputs,
      outputNotes,
      stdoutPath: run.stdout,
      stderrPath: run.stderr,
      environment: {
        ...environment(variant?.engine ?? 'container', [variant?.runtime, `${context.runtime.name} ${context.runtime.version}`].filter(Boolean).join(' in '), context.layout.version),
        ...(egress === undefined ? {} : { network: egress.use() }),
      },
      sampling: sampling.stats,
      notes,
      release: releaseOnce(prepared, run),
    };
  } finally {
    await stopSampler().catch(() => undefined);
    await stopNotes();
    await stopEgress().catch(() => undefined);
    closeSync(statusFd);
    if (counterFd !== undefined) closeSync(counterFd);
  }
}

/** The log's last bytes come after the last sample: the totals of an output are exact, only its curve is not. */
function setLast(series: Float64Array | undefined, value: number): void {
  if (series) series[series.length - 1] = value;
}

/** Full now, or full before the failing job tidied up. */
export function wasFull(before: DiskSpace, now: DiskSpace, { channels }: Sampling, logBytes: number): boolean {
  const margin = Math.min(MAX_DISK_FULL_BYTES, Math.max(MIN_DISK_FULL_BYTES, before.free * DISK_FULL_SHARE));
  if (now.free < margin || now.noInodes) return true;
  return (channels.outputBytes ?? []).some((used) => used - logBytes > before.free - margin);
}

export function endedBy({ exitCode, timedOut }: JobEnd, { outOfMemory, outOfDisk }: { outOfMemory: boolean; outOfDisk: boolean }): Evidence['ended'] {
  if (timedOut) return 'timeout';
  if (exitCode !== 0 && outOfMemory) return 'memory';
  if (exitCode !== 0 && outOfDisk) return 'disk';
  return exitCode > 128 && exitCode <= 128 + LAST_SIGNAL ? 'signal' : 'exit';
}

function releaseOnce({ mounts, plan }: PreparedRun, run: RunDirectory): () => Promise<void> {
  const merged = plan.writable.filter(({ lower }) => lower !== undefined).map(({ slot }) => slotPaths(mounts.scratch, slot).merged);
  let released: Promise<void> | undefined;
  const release = async () => {
    await unmount([mounts.root, ...merged, mounts.scratch]);
    await rmdir(run.root);
    await forgetProject(run.path);
    await removeTree(run.path);
    closeRunDirectory(run);
  };
  return () => (released ??= release());
}
