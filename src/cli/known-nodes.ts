import type { PeerId } from '@libp2p/interface';
import type { Address } from 'viem';
import { hexToString } from 'viem/utils';
import type { Profile, RunningClient } from '../client/index.ts';

export interface KnownNode { address: Address; peer: PeerId }

/** Nodes that registered on chain, with the peer id they gave; those whose profile is no peer id are left out. */
export async function knownNodes({ chain, profile }: RunningClient & { profile: Profile }, signal: AbortSignal): Promise<KnownNode[]> {
  const [{ readRegistrations }, { peerIdFromString }] = await Promise.all([import('../chain/index.ts'), import('@libp2p/peer-id')]);
  const registrations = await readRegistrations(chain, { fromBlock: BigInt(profile.deploymentBlock) }, { signal });
  const peers = new Map<Address, PeerId>();
  for (const { node, profile: bytes } of registrations) {
    try {
      peers.set(node, peerIdFromString(hexToString(bytes)));
    } catch {
      // A registration may say anything; one that names no peer cannot be asked.
    }
  }
  return [...peers].map(([address, peer]) => ({ address, peer }));
}
