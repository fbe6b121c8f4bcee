import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { anySignal, messageOf, parseJobSpec } from '../../protocol/index.ts';
import { claimTree } from '../cgroup/claim-tree.ts';
import { cgroupLayout } from '../cgroup/layout.ts';
import { SAMPLE_INTERVAL_MS } from '../constants.ts';
import { sweepRuns } from '../container/leftovers.ts';
import { which } from '../container/runtime.ts';
import type { NetworkRules } from '../egress/network-rules.ts';
import type { Engine, EngineProbe } from '../engine.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { findGuest } from '../guest/guest.ts';
import { runTool } from '../tool.ts';
import { PROBE_TIMEOUT_MS } from './constants.ts';
import { microvmTakes } from './guest-memory.ts';
import { GUEST_CHANNELS } from './guest-session.ts';
import { firecracker, firecrackerPaths, firecrackerVersion } from './firecracker/firecracker.ts';
import { QEMU, qemu } from './qemu.ts';
import { rememberedKvm } from './remembered-kvm.ts';
import { runMicrovm, type MicrovmContext } from './run-microvm.ts';
import { sweepMonitors } from './sweep-monitors.ts';
import type { VmmKind } from './vmm.ts';
import { untilItWorks } from '../until-it-works.ts';

export interface MicrovmEngineInit {
  /** Absolute path; belongs to this engine alone, though several processes may share it. */
  stateDir: string;
  /** Where `gadus image kernel` has put the guest. */
  guestDir: string;
  /** Kernel to use in place of Debian's. */
  kernel?: string;
  /** Whether a machine without working KVM emulates, about ten times slower. */
  emulate?: boolean;
  /** What jobs may have of the network; nothing when left out. */
  network?: NetworkRules;
}

const ISOLATION = 'a virtual machine of its own with its own kernel; inside it user nobody without capabilities, seccomp filter, read-only root, cgroup limits; the monitor is an unprivileged user of its own behind a seccomp filter';

/**
 * Runs each job in a virtual machine of its own: Firecracker where FIRECRACKER and JAILER name it, else QEMU's microvm machine.
 *
 * @example
 * const engine = createMicrovmEngine({ stateDir: '/var/lib/gadus/microvm', guestDir: '/var/lib/gadus/guest' });
 * if ((await engine.probe()).ok) await engine.run({ id: 'a', spec, rootfs, inputs: [], sampleIntervalMs: 20 });
 */
export function createMicrovmEngine({ stateDir, guestDir, kernel, emulate = false, network }: MicrovmEngineInit): Engine {
  let problems: EngineProbe['problems'] = [];

  const choose = async (signal?: AbortSignal): Promise<MicrovmContext> => {
    const found: EngineProbe['problems'] = [];
    problems = found;
    const guest = await findGuest({ dir: guestDir, ...(kernel === undefined ? {} : { kernel }) }).catch((error: unknown) => {
      found.push({ what: messageOf(error), remedy: 'gadus image kernel' });
      return undefined;
    });
    if (guest === undefined && found.length === 0) found.push({ what: 'the guest\'s kernel is not there', remedy: 'gadus image kernel' });
    if (which('mkfs.ext4') === undefined) found.push({ what: 'mkfs.ext4 is not installed', remedy: 'apt-get install e2fsprogs' });
    const kind = guest === undefined ? undefined : await findMonitor({ emulate, guestDir, kernel: guest.kernel }, found, signal);
    if (guest === undefined || kind === undefined || found.length > 0) throw unavailable(found);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const context = { stateDir: path.resolve(stateDir), guest, kind, ...(network === undefined ? {} : { network }) };
    const failure = await trial(context, signal);
    if (failure !== undefined) {
      found.push({ what: `${kind.runtime} cannot run a job: ${failure}`, remedy: 'see the message; gadus doctor tries again' });
      throw unavailable(found);
    }
    return context;
  };
  const context = untilItWorks(choose);

  return {
    name: 'microvm',
    network: true,
    takes: (resources) => microvmTakes(resources, { emulate }),
    async probe({ signal } = {}) {
      const probe = { name: 'microvm' as const, isolation: ISOLATION, channels: GUEST_CHANNELS };
      try {
        const [runtime = '', ...version] = (await context(signal)).kind.runtime.split(' ');
        return { ...probe, ok: true, runtime, version: version.join(' '), problems: [] };
      } catch (error) {
        if (signal?.aborted) throw aborted(signal);
        return { ...probe, ok: false, runtime: '', version: '', problems: problems.length > 0 ? problems : [{ what: messageOf(error), remedy: '' }] };
      }
    },
    run: async (request) => runMicrovm(await context(), request),
    async sweep({ signal } = {}) {
      await sweepMonitors(stateDir);
      await sweepRuns({ stateDir, layout: undefined, runtimePath: undefined }, signal);
    },
  };
}

function unavailable(problems: EngineProbe['problems']): ExecutorError {
  return new ExecutorError('ENGINE_UNAVAILABLE', 'this machine cannot run microVMs', {
    details: problems.map(({ what }) => what).join('; '), hint: problems.map(({ remedy }) => remedy).filter(Boolean).join('; '),
  });
}

/** The monitor to use: Firecracker or QEMU with KVM where a kernel boots on it, QEMU emulating where that was asked for. */
async function findMonitor(init: { emulate: boolean; guestDir: string; kernel: string }, problems: EngineProbe['problems'], signal?: AbortSignal): Promise<VmmKind | undefined> {
  const options = signal ? { signal } : {};
  const kvm = await rememberedKvm(init.guestDir, init.kernel, options);
  const paths = firecrackerPaths();
  if (paths !== undefined) {
    try {
      const version = await firecrackerVersion(paths, options);
      if (kvm.works) {
        const layout = cgroupLayout();
        const lack = layout && claimTree(layout);
        if (lack) problems.push(lack);
        return firecracker(version, paths);
      }
      if (!init.emulate) problems.push({ what: `firecracker ${version} is there, and takes KVM`, remedy: '' });
    } catch (error) {
      if (signal?.aborted) throw error;
      problems.push({ what: messageOf(error), remedy: 'let FIRECRACKER and JAILER name the two programs of one release' });
      return undefined;
    }
  }
  const version = which(QEMU) === undefined ? undefined : /version (\S+)/.exec((await runTool(QEMU, ['--version'], options)).stdout)?.[1];
  if (version === undefined) {
    problems.push({ what: `${QEMU} is not installed`, remedy: 'apt-get install --no-install-recommends qemu-system-x86' });
    return undefined;
  }
  if (kvm.works) return qemu(version, 'kvm');
  if (init.emulate) return qemu(version, 'tcg');
  problems.push({ what: `KVM does not work: ${kvm.detail}`, remedy: `${kvm.remedy ?? ''}; or let the node emulate, about ten times slower: microvm-emulated among the engines of the node`.replace(/^; /, '') });
  return undefined;
}

/** Runs a job in an empty image. Undefined when all went well, else why not. */
async function trial(context: MicrovmContext, signal?: AbortSignal): Promise<string | undefined> {
  const rootfs = path.join(context.stateDir, 'empty');
  mkdirSync(rootfs, { recursive: true, mode: 0o755 });
  const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const result = await runMicrovm(context, {
      id: `trial-${randomUUID()}`,
      spec: parseJobSpec({ command: ['/nothing'], outputs: [], resources: { memoryBytes: '16MiB', diskBytes: '1MiB', timeoutMs: PROBE_TIMEOUT_MS } }),
      rootfs, inputs: [], sampleIntervalMs: SAMPLE_INTERVAL_MS, signal: anySignal(signal, timeout),
    });
    await result.release();
    return result.exitCode === NOT_FOUND ? undefined : `exit code ${result.exitCode} instead of ${NOT_FOUND}`;
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    return timeout.aborted ? `nothing happened for ${PROBE_TIMEOUT_MS} ms` : messageOf(error);
  }
}

/** What a command that is not there ends with: all that an empty image can run. */
const NOT_FOUND = 127;
