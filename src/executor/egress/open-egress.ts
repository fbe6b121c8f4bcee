import type { Endpoint } from '../../protocol/index.ts';
import { createEgressProxy, type EgressProxy } from './egress-proxy.ts';
import { listenInNamespace } from './listen-in-namespace.ts';
import type { NetworkRules } from './network-rules.ts';

/**
 * Opens a job's way to the network, its proxy on its own loopback, before the job starts. Undefined where it may reach nothing.
 *
 * @param pid a process in the job's network namespace
 * @throws ExecutorError NETWORK_FAILED
 */
export async function openEgress(pid: number, allow: readonly Endpoint[], rules: NetworkRules | undefined, signal?: AbortSignal): Promise<EgressProxy | undefined> {
  if (allow.length === 0 || rules === undefined) return undefined;
  const proxy = createEgressProxy({ allow, rules });
  await proxy.listen(await listenInNamespace(pid, signal ? { signal } : {}));
  return proxy;
}
