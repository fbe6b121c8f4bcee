import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { anySignal, messageOf, parseJobSpec } from '../../protocol/index.ts';
import { PROBE_TIMEOUT_MS, SAMPLE_INTERVAL_MS } from '../constants.ts';
import { prepareInitBinary } from '../container/init-binary.ts';
import { runIsOwned, runPaths, runsDirectory, stateTag } from '../container/run-directory.ts';
import type { Engine } from '../engine.ts';
import { ExecutorError, aborted } from '../errors.ts';
import { sourceChannels } from '../sampler/job-reader.ts';
import { RUN_LABEL, STATE_LABEL } from './constants.ts';
import { createDockerClient } from './docker-client.ts';
import { dockerContainer } from './docker-container.ts';
import { dockerSocket } from './docker-socket.ts';
import { ROOTFS_LABEL } from './docker-image.ts';
import { runDocker, type DockerContext } from './run-docker.ts';
import { STATS_CHANNELS } from './stats-sampler.ts';
import { untilItWorks } from '../until-it-works.ts';

export interface DockerEngineInit {
  /** Absolute path; belongs to this engine alone, though several processes may share it. */
  stateDir: string;
  /** Socket of Docker's API; that of DOCKER_HOST, or where Docker puts it, when left out. */
  socketPath?: string;
  /** Sample by Docker's own statistics even where the processes are this machine's. */
  statsOnly?: boolean;
}

const ISOLATION = 'Docker\'s namespaces; user nobody without capabilities; the container engine\'s seccomp filter; read-only root; no network; limits by Docker';
const TRIAL_CODE = 42;

/**
 * Runs jobs as containers of a Docker Engine, for machines that have one and no rights to more: it needs neither root nor a runtime of its own. The
 * job's disk is memory of the container. Where the processes are this machine's and this is root, traces are those of the container engine;
 * elsewhere they have what Docker's statistics tell.
 */
export function createDockerEngine({ stateDir, socketPath = dockerSocket(), statsOnly = false }: DockerEngineInit): Engine {
  const client = createDockerClient(socketPath);
  const tag = stateTag(stateDir);

  const choose = async (signal?: AbortSignal) => {
    const { Version: version, Os: os } = await client.call<{ Version: string; Os: string }>('GET', '/version', signal ? { signal } : {});
    if (os !== 'linux') throw new ExecutorError('ENGINE_UNAVAILABLE', 'Docker runs no Linux containers here', { details: os });
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const context: DockerContext = { client, stateDir: path.resolve(stateDir), tag, initBinary: prepareInitBinary(path.join(path.resolve(stateDir), 'init')), version, statsOnly };
    const rootfs = path.join(stateDir, 'empty');
    mkdirSync(rootfs, { recursive: true, mode: 0o755 });
    const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const result = await runDocker(context, {
      id: `trial-${randomUUID()}`, rootfs, inputs: [], sampleIntervalMs: SAMPLE_INTERVAL_MS, signal: anySignal(signal, timeout),
      spec: parseJobSpec({ command: ['/.gadus/sh', '-c', `exit ${TRIAL_CODE}`], outputs: [], resources: { diskBytes: '1MiB', timeoutMs: PROBE_TIMEOUT_MS } }),
    });
    await result.release();
    if (result.exitCode !== TRIAL_CODE) throw new ExecutorError('ENGINE_UNAVAILABLE', 'Docker cannot run a job', { details: `exit code ${result.exitCode} instead of ${TRIAL_CODE}` });
    const channels = result.environment.cgroup === 'docker' ? STATS_CHANNELS : sourceChannels({ cgroup: {} as never, scratchPath: '' });
    return { ...context, channels };
  };
  const context = untilItWorks(choose);

  return {
    name: 'container',
    async probe({ signal } = {}) {
      const probe = { name: 'container' as const, runtime: 'docker', isolation: ISOLATION };
      try {
        const { version, channels } = await context(signal);
        return { ...probe, ok: true, version, channels, problems: [] };
      } catch (error) {
        if (signal?.aborted) throw aborted(signal);
        const missing = !existsSync(socketPath);
        const { hint } = error as { hint?: string };
        return {
          ...probe, ok: false, version: '', channels: STATS_CHANNELS,
          problems: [missing ? { what: `no Docker at ${socketPath}`, remedy: 'start Docker, or name its socket in DOCKER_HOST' } : { what: messageOf(error), remedy: hint ?? 'see the message; gadus doctor tries again' }],
        };
      }
    },
    run: async (request) => runDocker(await context(), request),
    async sweep({ signal } = {}) {
      if (!existsSync(socketPath)) return;
      const options = signal ? { signal } : {};
      const filter = (label: string) => encodeURIComponent(JSON.stringify({ label: [label] }));
      const containers = await client.call<{ Id: string; Labels: Record<string, string> }[]>('GET', `/containers/json?all=1&filters=${filter(`${STATE_LABEL}=${tag}`)}`, options);
      for (const { Id, Labels } of containers) if (!runIsOwned(stateDir, Labels[RUN_LABEL] ?? '')) await dockerContainer(client, Id).remove();
      for (const name of existsSync(runsDirectory(stateDir)) ? readdirSync(runsDirectory(stateDir)) : []) {
        if (!runIsOwned(stateDir, name)) rmSync(runPaths(stateDir, name).path, { recursive: true, force: true });
      }
      const images = await client.call<{ Id: string; Labels: Record<string, string> | null }[]>('GET', `/images/json?filters=${filter(`${STATE_LABEL}=${tag}`)}`, options);
      for (const { Id, Labels } of images) if (!existsSync(Labels?.[ROOTFS_LABEL] ?? '')) await client.call('DELETE', `/images/${Id}?force=1`, { ...options, accept: [404, 409] });
    },
  };
}
