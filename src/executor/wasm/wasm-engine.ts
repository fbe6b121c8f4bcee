import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { anySignal, METER_VERSION, messageOf, parseJobSpec } from '../../protocol/index.ts';
import { jobEnvironment } from '../container/bundle.ts';
import { createContainerHost, type ContainerEngineInit } from '../container/container-host.ts';
import type { ContainerVariant } from '../container/container-variant.ts';
import { isWithin } from '../container/mount-plan.ts';
import { runContainer } from '../container/run-container.ts';
import { PROBE_TIMEOUT_MS, SAMPLE_INTERVAL_MS } from '../constants.ts';
import { grantedEndpoints } from '../egress/network-rules.ts';
import type { Engine, EngineProbe, RunRequest, RunResult } from '../engine.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { sourceChannels } from '../sampler/job-reader.ts';
import { GUEST_DIRECTORY, REPORT_INTERVAL_MS, RUNTIME_MEMORY_BYTES, RUNTIME_TASKS, TRAP_EXIT_CODE } from './constants.ts';
import { WASM_INIT_SCRIPT } from './init-script.ts';
import { createModuleStore } from './module-store.ts';
import { preopens } from './preopens.ts';
import { prepareSandboxRoot } from './sandbox-root.ts';
import { TRIAL_CODE, TRIAL_MODULE } from './trial-module.ts';

/** First Node with the memories the meter needs. */
const MIN_NODE_MAJOR = 22;
const ISOLATION = 'a process of its own in a container (see there) whose image holds nothing but Node and its libraries; in it, WebAssembly with access to the job\'s directories alone';

/**
 * Runs WASI preview 1 commands. The image is the module, the command its arguments from argument 0 on.
 *
 * Neither WebAssembly nor Node's WASI is the boundary: node:wasi follows links out of the directories it is given, and says so; Node's own
 * permission flags do not confine it. So the process is put into the container that other jobs run in, and without container
 * runtime there is no such engine.
 *
 * The trace has the channel `instructions`: exact, the same for the same module and input on every machine (meter-code.ts). What the
 * clock and the random source tell a module differs, as everywhere.
 */
export function createWasmEngine(init: ContainerEngineInit): Engine {
  const host = createContainerHost(init);
  const modules = createModuleStore(path.join(init.stateDir, 'modules'));
  let tried: Promise<void> | undefined;

  const run = async (request: RunRequest): Promise<RunResult> => {
    const { spec, signal } = request;
    grantedEndpoints(spec, 'wasm', init.network);
    const context = await host.context(signal);
    const root = await prepareSandboxRoot(path.join(init.stateDir, 'sandbox'));
    for (const target of [spec.workdir, ...request.inputs.map((input) => input.target), ...spec.outputs.map((output) => output.path)]) {
      if (isWithin(target, GUEST_DIRECTORY)) throw new ExecutorError('JOB_UNFIT', 'nothing can be mounted there', { details: target });
    }
    const module = await modules.metered(request.rootfs, { maxBytes: spec.resources.memoryBytes, ...(signal ? { signal } : {}) });
    const plan = {
      args: spec.command, env: jobEnvironment(spec), preopens: await preopens(request), reportIntervalMs: REPORT_INTERVAL_MS, trapExitCode: TRAP_EXIT_CODE,
    };
    const variant: ContainerVariant = {
      engine: 'wasm',
      runtime: `node ${process.version} meter ${METER_VERSION}`,
      initScript: WASM_INIT_SCRIPT,
      env: {},
      mounts: [{ source: process.execPath, target: `${GUEST_DIRECTORY}/node` }, { source: module, target: `${GUEST_DIRECTORY}/module.wasm` }],
      files: [{ target: `${GUEST_DIRECTORY}/run.json`, content: JSON.stringify(plan) }],
      counterTarget: `${GUEST_DIRECTORY}/counter`,
      overhead: { memoryBytes: RUNTIME_MEMORY_BYTES, processes: RUNTIME_TASKS },
    };
    return runContainer(context, { ...request, rootfs: root }, variant);
  };

  const trial = async (signal?: AbortSignal) => {
    const file = path.join(init.stateDir, 'trial.wasm');
    await mkdir(init.stateDir, { recursive: true, mode: 0o700 });
    await writeFile(file, TRIAL_MODULE);
    const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const result = await run({
      id: `trial-${randomUUID()}`,
      spec: parseJobSpec({ engine: 'wasm', command: ['trial'], outputs: [], resources: { diskBytes: '1MiB', timeoutMs: PROBE_TIMEOUT_MS } }),
      rootfs: file, inputs: [], sampleIntervalMs: SAMPLE_INTERVAL_MS, signal: anySignal(signal, timeout),
    });
    await result.release();
    if (result.exitCode !== TRIAL_CODE) throw new ExecutorError('ENGINE_UNAVAILABLE', 'Node cannot run a module in a container', { details: `exit code ${result.exitCode} instead of ${TRIAL_CODE}` });
  };

  return {
    name: 'wasm',
    takes: (resources) => ({ ...resources, memoryBytes: resources.memoryBytes + RUNTIME_MEMORY_BYTES }),
    async probe({ signal } = {}): Promise<EngineProbe> {
      const probe = { name: 'wasm' as const, isolation: ISOLATION, channels: sourceChannels({ cgroup: {} as never, scratchPath: '', counterFd: 0 }) };
      const unavailable = (problems: EngineProbe['problems']) => ({ ...probe, ok: false, runtime: '', version: '', problems });
      if (Number.parseInt(process.versions.node, 10) < MIN_NODE_MAJOR) {
        return unavailable([{ what: `Node ${process.version} cannot meter modules`, remedy: `run gadus with Node ${MIN_NODE_MAJOR} or newer` }]);
      }
      try {
        await (tried ??= trial(signal));
        return { ...probe, ok: true, runtime: 'node', version: process.versions.node, problems: [...host.problems] };
      } catch (error) {
        tried = undefined;
        if (signal?.aborted) throw aborted(signal);
        return unavailable(host.problems.length > 0 ? [...host.problems] : [{ what: messageOf(error), remedy: 'see the message; gadus doctor tries again' }]);
      }
    },
    run,
    sweep: ({ signal } = {}) => host.sweep(signal),
  };
}
