import { existsSync, mkdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { anySignal, messageOf, parseJobSpec } from '../../protocol/index.ts';
import { claimTree } from '../cgroup/claim-tree.ts';
import { cgroupLayout } from '../cgroup/layout.ts';
import { PROBE_TIMEOUT_MS, SAMPLE_INTERVAL_MS } from '../constants.ts';
import type { NetworkRules } from '../egress/network-rules.ts';
import type { EngineProbe } from '../engine.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { prepareInitBinary } from './init-binary.ts';
import { sweepRuns } from './leftovers.ts';
import type { ContainerContext } from './prepare-run.ts';
import { runContainer } from './run-container.ts';
import { projectQuotaOf } from './project-quota.ts';
import { RUNTIMES, findRuntime, which, type Runtime } from './runtime.ts';
import { takeDelegation } from '../rootless/delegate.ts';
import { whyNotRootless } from '../rootless/enter.ts';
import { inUserNamespace } from '../rootless/user-namespace.ts';

export interface ContainerEngineInit {
  /** Absolute path; belongs to this engine alone, though several processes may share it. */
  stateDir: string;
  /** Name or path of an OCI runtime; found out by trying when left out. */
  runtime?: string;
  /** What jobs may have of the network where they ask for it; nothing when left out. */
  network?: NetworkRules;
}

/** The container runtime of this machine, found out once and by trying. */
export interface ContainerHost {
  /** @throws ExecutorError ENGINE_UNAVAILABLE, ABORTED */
  context(signal?: AbortSignal): Promise<ContainerContext>;
  /** What the last try ran into; some of it may not matter. */
  readonly problems: EngineProbe['problems'];
  /** Removes what dead processes left under the state directory. */
  sweep(signal?: AbortSignal): Promise<void>;
}

const TRIAL_CODE = 42;

/** A container runtime for an engine's runs, and for those of engines that use a container as their boundary. */
export function createContainerHost({ stateDir, runtime: wanted, network }: ContainerEngineInit): ContainerHost {
  let chosen: Promise<ContainerContext> | undefined;
  const problems: EngineProbe['problems'] = [];

  const choose = async (signal?: AbortSignal): Promise<ContainerContext> => {
    problems.length = 0;
    const common = prerequisites(stateDir, problems);
    const runtimes = await installedRuntimes(wanted, problems, signal);
    for (const runtime of common ? runtimes : []) {
      const context = { ...common!, runtime, userNamespaces: true, ...(network === undefined ? {} : { network }) };
      const failure = await trial(context, signal);
      if (failure === undefined) {
        problems.push(...withoutRoot(context));
        return context;
      }
      const without = { ...context, userNamespaces: false };
      const deeper = await trial(without, signal);
      problems.push(deeper === undefined
        ? { what: `no user namespaces, so that jobs are this machine's nobody: ${failure}`, remedy: 'sysctl user.max_user_namespaces=65536, or a newer kernel or runtime' }
        : { what: `${runtime.name} ${runtime.version} cannot run a container: ${deeper}`, remedy: 'see the message; gadus doctor tries again' });
      if (deeper === undefined) return without;
    }
    throw new ExecutorError('ENGINE_UNAVAILABLE', 'this machine cannot run containers', {
      details: problems.map(({ what }) => what).join('; '),
      hint: problems.map(({ remedy }) => remedy).join('; '),
    });
  };

  return {
    problems,
    context(signal) {
      chosen ??= choose(signal).catch((error: unknown) => {
        chosen = undefined;
        throw error;
      });
      return chosen;
    },
    async sweep(signal) {
      const runtimePath = [wanted ?? [], RUNTIMES].flat().map(which).find((file) => file !== undefined);
      await sweepRuns({ stateDir, layout: cgroupLayout(), runtimePath }, signal);
    },
  };
}

/** What is less than with root, where there is none. */
function withoutRoot({ scratch }: ContainerContext): EngineProbe['problems'] {
  if (!inUserNamespace()) return [];
  const disk = scratch === 'fuse' ? 'a job\'s disk is served by fuse2fs, and memory where its image has files in the working directory' : 'a job\'s disk is memory';
  return [{
    what: `without root: ${disk}; no device list of the control group; the sampler has no priority over jobs`,
    remedy: scratch === 'fuse' ? 'run gadus as root for full speed and disks of their own' : 'apt-get install fuse2fs, or run gadus as root',
  }];
}

/** What a job's disk can be here. */
function scratchKind(stateDir: string): ContainerContext['scratch'] {
  if (!inUserNamespace() && projectQuotaOf(stateDir) !== undefined) return 'quota';
  if (!inUserNamespace()) return existsSync('/dev/loop-control') ? 'loop' : 'tmpfs';
  return which('fuse2fs') !== undefined && existsSync('/dev/fuse') ? 'fuse' : 'tmpfs';
}

/** What every runtime needs of the machine. */
function prerequisites(stateDir: string, problems: EngineProbe['problems']): Omit<ContainerContext, 'runtime' | 'userNamespaces'> | undefined {
  for (const [tool, remedy] of [['mount', 'apt-get install mount'], ['mkfs.ext4', 'apt-get install e2fsprogs']] as const) {
    if (which(tool) === undefined) problems.push({ what: `${tool} is not installed`, remedy });
  }
  const layout = cgroupLayout();
  if (process.getuid?.() !== 0) problems.push(...whyNotRootless(layout));
  else if (layout) problems.push(...[(inUserNamespace() ? takeDelegation(layout) : claimTree(layout)) ?? []].flat());
  if (!layout) problems.push({ what: 'no control group hierarchy with memory, cpuacct and pids is mounted', remedy: 'mount -t cgroup2 none /sys/fs/cgroup' });
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const initBinary = prepareInitBinary(path.join(stateDir, 'init'));
    if (problems.length === 0 && layout) return { stateDir: path.resolve(stateDir), layout: cgroupLayout()!, initBinary, scratch: scratchKind(path.resolve(stateDir)) };
  } catch (error) {
    problems.push({ what: messageOf(error), remedy: error instanceof ExecutorError && error.hint ? error.hint : `check ${stateDir}` });
  }
  return undefined;
}

async function installedRuntimes(wanted: string | undefined, problems: EngineProbe['problems'], signal?: AbortSignal): Promise<Runtime[]> {
  const runtimes: Runtime[] = [];
  for (const name of wanted === undefined ? RUNTIMES : [wanted]) {
    try {
      const runtime = await findRuntime(name, signal ? { signal } : {});
      if (runtime) runtimes.push(runtime);
    } catch (error) {
      if (signal?.aborted) throw error;
      problems.push({ what: messageOf(error), remedy: `apt-get install --reinstall ${name}` });
    }
  }
  if (runtimes.length === 0) {
    problems.push({ what: wanted === undefined ? 'neither runc nor crun is installed' : `${wanted} is not installed`, remedy: 'apt-get install runc' });
  }
  return runtimes;
}

/** Runs a container in an empty image. Undefined when all went well, else why not. */
async function trial(context: ContainerContext, signal?: AbortSignal): Promise<string | undefined> {
  const rootfs = path.join(context.stateDir, 'empty');
  mkdirSync(rootfs, { recursive: true, mode: 0o755 });
  const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const result = await runContainer(context, {
      id: `trial-${randomUUID()}`,
      spec: parseJobSpec({ command: ['/.gadus/sh', '-c', `exit ${TRIAL_CODE}`], outputs: [], resources: { diskBytes: '1MiB', timeoutMs: PROBE_TIMEOUT_MS } }),
      rootfs,
      inputs: [],
      sampleIntervalMs: SAMPLE_INTERVAL_MS,
      signal: anySignal(signal, timeout),
    });
    await result.release();
    return result.exitCode === TRIAL_CODE ? undefined : `exit code ${result.exitCode} instead of ${TRIAL_CODE}`;
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    return timeout.aborted ? `nothing happened for ${PROBE_TIMEOUT_MS} ms` : messageOf(error);
  }
}
