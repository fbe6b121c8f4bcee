import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { groupProcesses, memoryKills, parseMemoryKills, signalGroup } from '../cgroup/group.ts';
import type { CgroupFiles } from '../cgroup/layout.ts';
import { KILL_GRACE_MS, KILL_PASS_MS, KILL_SWEEP_MS, START_TIMEOUT_MS, STOP_TIMEOUT_MS } from '../constants.ts';
import { mountPoints } from '../container/bundle.ts';
import { captureLog } from '../container/log-capture.ts';
import { planMounts } from '../container/mount-plan.ts';
import { collectOutputs } from '../container/outputs.ts';
import { endedBy, wasFull } from '../container/run-container.ts';
import { closeRunDirectory, createRunDirectory, type RunDirectory } from '../container/run-directory.ts';
import { imageBytes } from '../container/scratch.ts';
import { releaseOnce } from '../container/release-once.ts';
import type { RunRequest, RunResult } from '../engine.ts';
import { environment } from '../environment.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { keepRuns } from '../keeper/keeper.ts';
import { removeTree } from '../outputs/remove-tree.ts';
import { startSampler } from '../sampler/sampler.ts';
import type { Sampling } from '../sampler/sampler-protocol.ts';
import { tidyOutputs } from '../outputs/tidy-outputs.ts';
import { treeBytes } from '../outputs/tree-bytes.ts';
import { withAbort, type OrAbort } from '../with-abort.ts';
import { PAGE_BYTES, RUN_LABEL, STATE_LABEL } from './constants.ts';
import { containerSpec, coveredPlaces, dockerLimits } from './container-spec.ts';
import { demultiplex } from './demultiplex.ts';
import type { DockerClient } from './docker-client.ts';
import { dockerContainer, type DockerContainer } from './docker-container.ts';
import { dockerImage } from './docker-image.ts';
import { diskSpaces } from './disk-spaces.ts';
import { fetchOutputs } from './fetch-outputs.ts';
import { hostGroup } from './host-group.ts';
import { inTheWay } from './in-the-way.ts';
import { readMarks } from './marks.ts';
import { startStatsSampler } from './stats-sampler.ts';

export interface DockerContext {
  client: DockerClient;
  stateDir: string;
  /** Names what belongs to the state directory. */
  tag: string;
  initBinary: string;
  /** Docker's version. */
  version: string;
  /** Sample by Docker's own statistics even where the processes are this machine's. */
  statsOnly: boolean;
}

/** One run, from request to result, in a container of Docker's. On any failure nothing of it is left. */
export async function runDocker(context: DockerContext, request: RunRequest): Promise<RunResult> {
  const { signal } = request;
  if (signal?.aborted) throw aborted(signal);
  if (request.spec.network !== 'none') throw new ExecutorError('NETWORK_REFUSED', 'Docker\'s containers are given no network', { details: request.spec.network.allow.join(', '), hint: 'a node with runc gives jobs a network' });
  await keepRuns('docker', context.stateDir, context.client.socketPath);
  if (signal?.aborted) throw aborted(signal);
  const run = createRunDirectory(context.stateDir, request.id);
  const cleanups: (() => Promise<unknown>)[] = [];
  try {
    return await withAbort(signal, (orAbort) => execute(context, request, run, cleanups, orAbort));
  } catch (error) {
    for (const cleanup of cleanups.reverse()) await cleanup().catch(() => undefined);
    await removeTree(run.path);
    closeRunDirectory(run);
    throw signal?.aborted ? aborted(signal) : error;
  }
}

async function execute(context: DockerContext, request: RunRequest, run: RunDirectory, cleanups: (() => Promise<unknown>)[], orAbort: OrAbort): Promise<RunResult> {
  const { spec, rootfs, sampleIntervalMs: intervalMs, onLog, onStart, onSample, signal } = request;
  const { client, tag, initBinary } = context;
  if (!(intervalMs >= 1 && Number.isFinite(intervalMs))) throw new ExecutorError('REQUEST_INVALID', 'not a sampling interval', { details: `${intervalMs} ms` });
  const plan = planMounts(request);
  const covered = coveredPlaces(plan);
  const copied = await Promise.all(covered.map(({ lower }) => treeBytes(lower, { blockBytes: PAGE_BYTES })));
  const copiedBytes = copied.reduce((sum, bytes) => sum + bytes, 0);
  const image = await dockerImage(client, { rootfs, without: inTheWay(rootfs, mountPoints(plan)), tag, ...(signal ? { signal } : {}) });
  const labels = { [STATE_LABEL]: tag, [RUN_LABEL]: path.basename(run.path) };
  // By name: a container whose creation was broken off is found again, too.
  cleanups.push(() => dockerContainer(client, run.name).remove());
  const { Id: id } = await client.call<{ Id: string }>('POST', `/containers/create?name=${run.name}`, { body: containerSpec({ spec, plan, copiedBytes, image, initBinary, labels }), ...(signal ? { signal } : {}) });
  const container = dockerContainer(client, id, signal);

  const word = randomBytes(16).toString('hex');
  const connection = await orAbort(container.attach());
  cleanups.push(async () => connection.destroy());
  connection.on('error', () => undefined);
  const left = new Promise<void>((resolve) => { connection.once('close', resolve).once('end', resolve); });
  const streams = demultiplex(connection);
  const marks = readMarks(word);
  let keptBytes = 0;
  let report: (bytes: number) => void = () => undefined;
  const keep = (stream: 'stdout' | 'stderr') => (chunk: Uint8Array) => {
    report(keptBytes += chunk.length);
    onLog?.(stream, chunk);
  };
  const stdout = captureLog(streams.stdout, run.stdout, spec.resources.logBytes, keep('stdout'));
  const stderr = captureLog(streams.stderr.pipe(marks.stream), run.stderr, spec.resources.logBytes, keep('stderr'));

  await orAbort(container.start());
  connection.write([word, ...covered.map(({ target }) => target.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')), '', ''].join('\n'));
  await orAbort(started(marks.ready, left));
  const { State: { Pid: pid } } = await container.inspect();
  const host = context.statsOnly ? undefined : hostGroup(id, pid);
  const places = plan.writable.map(({ target }) => target);
  const before = await orAbort(diskSpaces(container, places));
  const [startLimits, limits] = [true, false].map((atStart) => dockerLimits(spec, { atStart, copiedBytes })) as [Record<string, number>, Record<string, number>];
  if (JSON.stringify(startLimits) !== JSON.stringify(limits)) await orAbort(container.update(limits));
  const starting = host === undefined ? startStatsSampler(client, id, { intervalMs, onSample }) : startSampler({
    rootPid: pid, cgroup: samplerFiles(host.files), scratchPath: places.map((place) => `/proc/${pid}/root${place}`),
  }, { intervalMs, onSample });
  cleanups.push(async () => (await starting).stop());
  const sampler = await orAbort(starting);
  report = sampler.logged;

  sampler.go();
  connection.write('go\n');
  onStart?.();
  const reach = host === undefined
    ? { signal: (name: 'TERM' | 'KILL') => container.helper(`kill -${name} -1`, []).catch(() => undefined) }
    : { signal: async (name: 'TERM' | 'KILL') => signalGroup(host.files, `SIG${name}`, [pid]) };
  const end = await orAbort(awaitEnd(container, { exited: marks.exited, left, timeoutMs: spec.resources.timeoutMs, ...reach }));
  const sampling: Sampling = await sampler.stop();
  let kills = host === undefined ? 0 : memoryKills(host.files);
  let after = before.map((space) => ({ ...space }));
  const notes: string[] = [];
  if (!end.lost) {
    await killRest(reach.signal, host && (() => groupProcesses(host.files).filter((one) => one !== pid).length === 0));
    after = await orAbort(diskSpaces(container, places));
    if (host === undefined) kills = await orAbort(killsInside(container));
    notes.push(...await orAbort(fetchOutputs(container, plan, path.join(run.path, 'scratch'), spec.resources.diskBytes + copiedBytes)));
  } else {
    mkdirSync(path.join(run.path, 'scratch'));
    // Its end took its process 1 along.
    if ((await container.inspect()).State.OOMKilled) kills++;
  }
  await container.remove();
  connection.destroy();
  await Promise.all([stdout.done, stderr.done]);
  const outOfDisk = before.some((space, i) => wasFull(space, after[i]!, before.length === 1 ? sampling : { ...sampling, channels: {} }, keptBytes));
  const { outputs: found, notes: missing } = collectOutputs(plan, path.join(run.path, 'scratch'));
  const { outputs, notes: untidy } = await tidyOutputs(found, imageBytes(spec.resources.diskBytes));
  notes.push(...missing, ...untidy);
  for (const [name, log] of [['stdout', stdout], ['stderr', stderr]] as const) if (log.cut) notes.push(`${name} was cut at ${spec.resources.logBytes} bytes`);
  return {
    exitCode: end.exitCode, ended: endedBy(end, { outOfMemory: kills > 0, outOfDisk }),
    trace: { version: 1, engine: 'container', intervalMs: sampling.intervalMs, t: sampling.t, channels: sampling.channels },
    outputs, stdoutPath: run.stdout, stderrPath: run.stderr,
    environment: environment('container', `docker ${context.version}`, host?.version ?? 'docker'),
    sampling: sampling.stats, notes, release: releaseOnce(run),
  };
}

/** How many processes the kernel killed for want of memory, by the control group as the container sees it: Docker's own word on it comes late or never. */
async function killsInside(container: DockerContainer): Promise<number> {
  let text = '';
  await container.helper('cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events', [], (chunk) => { text = (text + chunk.toString('latin1')).slice(0, 10_000); });
  if (text === '') throw new ExecutorError('DOCKER_FAILED', 'the container\'s control group cannot be looked at');
  return parseMemoryKills(text);
}

/** What crosses to the sampler's thread. */
function samplerFiles({ version, procs, pidsCurrent, cpu, memoryStat }: CgroupFiles) {
  return { version, procs, pidsCurrent, cpu, memoryStat };
}

const SIGKILL_CODE = 128 + 9;

async function started(ready: Promise<void>, left: Promise<void>): Promise<void> {
  const timer = new AbortController();
  try {
    const outcome = await Promise.race([ready.then(() => 'ready'), left.then(() => 'left'), delay(START_TIMEOUT_MS, 'late', { signal: timer.signal })]);
    if (outcome === 'left') throw new ExecutorError('START_FAILED', 'the container ended before its job began');
    if (outcome === 'late') throw new ExecutorError('START_TIMEOUT', 'the container did not start', { details: `no sign of it after ${START_TIMEOUT_MS} ms` });
  } finally {
    timer.abort();
  }
}

interface Ending { exited: Promise<number>; left: Promise<void>; timeoutMs: number; signal(name: 'TERM' | 'KILL'): Promise<void> }

/** Waits for the job's end, and brings it about when its time is over: SIGTERM, then SIGKILL after KILL_GRACE_MS, then the whole container. */
async function awaitEnd(container: DockerContainer, { exited, left, timeoutMs, signal }: Ending): Promise<{ exitCode: number; timedOut: boolean; lost: boolean }> {
  const timers = new AbortController();
  const wait = (ms: number) => delay(ms, undefined, { signal: timers.signal });
  let timedOut = false;
  const expire = async () => {
    await wait(timeoutMs);
    timedOut = true;
    await signal('TERM');
    await wait(KILL_GRACE_MS);
    for (const until = performance.now() + KILL_SWEEP_MS; performance.now() < until;) {
      await signal('KILL');
      await wait(KILL_PASS_MS);
    }
    await container.kill();
  };
  expire().catch(() => undefined);
  try {
    return await Promise.race([exited.then((exitCode) => ({ exitCode, timedOut, lost: false })), left.then(() => ({ exitCode: SIGKILL_CODE, timedOut, lost: true }))]);
  } finally {
    timers.abort();
  }
}

/** Ends what the job left running, so that its outputs hold still. Where nobody can look, one pass has to do. */
async function killRest(signal: (name: 'KILL') => Promise<void>, none?: () => boolean): Promise<void> {
  for (const until = performance.now() + STOP_TIMEOUT_MS; performance.now() < until;) {
    await signal('KILL');
    if (none === undefined || none()) return;
    await delay(KILL_PASS_MS);
  }
}
