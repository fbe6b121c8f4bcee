import type { Endpoint, NetworkUse } from '../../../protocol/index.ts';
import { createEgressProxy } from '../../egress/egress-proxy.ts';
import type { NetworkRules } from '../../egress/network-rules.ts';
import type { Vmm } from '../vmm.ts';
import { openTunnel, type Tunnel } from './open-tunnel.ts';

/** A job's way out of its guest: the proxy that containers have, at the end of a tunnel. */
export interface GuestEgress {
  /** To be called when the guest is ready. @throws ExecutorError START_TIMEOUT, GUEST_MISBEHAVED, ABORTED */
  open(): Promise<void>;
  /** Rejects when the guest breaks the tunnel's protocol; never resolves. */
  broken: Promise<never>;
  use(): NetworkUse;
  close(): Promise<void>;
}

/** Undefined where the job may reach nothing: it then has no tunnel either. */
export function guestEgress(vmm: Vmm, allow: readonly Endpoint[], rules: NetworkRules | undefined): GuestEgress | undefined {
  if (allow.length === 0 || rules === undefined) return undefined;
  const proxy = createEgressProxy({ allow, rules });
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  let tunnel: Tunnel | undefined;
  return {
    async open() {
      tunnel = openTunnel(await vmm.network(), proxy.accept);
      tunnel.broken.catch(broken.reject);
    },
    broken: broken.promise,
    use: () => proxy.use(),
    async close() {
      await tunnel?.close();
      await proxy.stop();
    },
  };
}
