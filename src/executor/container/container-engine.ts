import { messageOf } from '../../protocol/index.ts';
import type { Engine } from '../engine.ts';
import { aborted } from '../errors.ts';
import { inUserNamespace, outsideUser } from '../rootless/user-namespace.ts';
import { sourceChannels } from '../sampler/job-reader.ts';
import { createContainerHost, type ContainerEngineInit } from './container-host.ts';
import { runContainer } from './run-container.ts';

export type { ContainerEngineInit } from './container-host.ts';

const ISOLATION = 'user nobody without capabilities; seccomp filter; read-only root; cgroup limits; own pid, mount, ipc, uts, network and cgroup namespaces';

/**
 * Runs jobs as OCI containers through runc or crun.
 *
 * @example
 * const engine = createContainerEngine({ stateDir: '/var/lib/gadus/executor' });
 * await engine.sweep();
 * const result = await engine.run({ id: 'a', spec, rootfs, inputs: [], sampleIntervalMs: 20 });
 */
export function createContainerEngine(init: ContainerEngineInit): Engine {
  const host = createContainerHost(init);
  return {
    name: 'container',
    network: true,
    async probe({ signal } = {}) {
      const probe = { name: 'container' as const, isolation: ISOLATION, channels: sourceChannels({ cgroup: {} as never, scratchPath: '' }) };
      try {
        const { runtime, userNamespaces } = await host.context(signal);
        const isolation = [
          ISOLATION, ...(userNamespaces ? ['a user namespace whose root is nobody here'] : []), ...(inUserNamespace() ? [`all of it made without root, by user ${outsideUser()}`] : []),
        ].join(', and ');
        return { ...probe, isolation, ok: true, runtime: runtime.name, version: runtime.version, problems: [...host.problems] };
      } catch (error) {
        if (signal?.aborted) throw aborted(signal);
        const problems = host.problems.length > 0 ? [...host.problems] : [{ what: messageOf(error), remedy: '' }];
        return { ...probe, ok: false, runtime: '', version: '', problems };
      }
    },
    run: async (request) => runContainer(await host.context(), request),
    sweep: ({ signal } = {}) => host.sweep(signal),
  };
}
