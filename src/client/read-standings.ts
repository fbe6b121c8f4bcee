import type { Address } from 'viem';
import { readParty, type CallOptions, type Chain } from '../chain/index.ts';
import { scoreBps } from '../protocol/index.ts';
import type { Standing } from './job-record.ts';

/** Score and stake of a client and some nodes, by `client:` or `node:` and the address in lower case. @throws ChainError */
export async function readStandings(chain: Chain, client: Address, nodes: readonly Address[], options: CallOptions): Promise<Record<string, Standing>> {
  const read = async (account: Address, role: 'node' | 'client'): Promise<[string, Standing]> => {
    const party = await readParty(chain, account, role, options);
    return [`${role}:${account.toLowerCase()}`, { score: scoreBps(party), stake: (party.free + party.locked).toString() }];
  };
  return Object.fromEntries(await Promise.all([read(client, 'client'), ...nodes.map((node) => read(node, 'node'))]));
}
