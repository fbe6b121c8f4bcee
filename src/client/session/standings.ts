import type { Address } from 'viem';
import { readParty, type CallOptions, type Chain, type Party, type Role } from '../../chain/index.ts';
import { scoreBps } from '../../protocol/index.ts';
import { STANDING_FRESH_MS } from '../constants.ts';
import type { Standing } from '../book/job-record.ts';

/** What the chain says of parties, asked at most every two seconds of each: the same few nodes bid for job after job. */
export class Standings {
  readonly #chain: Chain;
  readonly #known = new Map<string, { party: Promise<Party>; at: number }>();

  constructor(chain: Chain) {
    this.#chain = chain;
  }

  /** A party as it was within the last two seconds; with `fresh`, as it is. @throws ChainError */
  async read(account: Address, role: Role, { fresh = false, ...options }: CallOptions & { fresh?: boolean } = {}): Promise<Party> {
    const key = keyOf(account, role);
    const known = this.#known.get(key);
    if (!fresh && known !== undefined && performance.now() - known.at < STANDING_FRESH_MS) {
      // One caller's abort must not fail another's reading.
      const party = await known.party.catch(() => undefined);
      if (party !== undefined) return party;
    }
    const party = readParty(this.#chain, account, role, options);
    this.#known.set(key, { party, at: performance.now() });
    party.catch(() => this.#known.delete(key));
    return party;
  }

  /** Score and stake of a client and some nodes, by `client:` or `node:` and the address in lower case. @throws ChainError */
  async of(client: Address, nodes: readonly Address[], options: CallOptions & { fresh?: boolean }): Promise<Record<string, Standing>> {
    const read = async (account: Address, role: Role): Promise<[string, Standing]> => {
      const party = await this.read(account, role, options);
      return [keyOf(account, role), { score: scoreBps(party), stake: (party.free + party.locked).toString() }];
    };
    return Object.fromEntries(await Promise.all([read(client, 'client'), ...nodes.map((node) => read(node, 'node'))]));
  }
}

const keyOf = (account: Address, role: Role): string => `${role}:${account.toLowerCase()}`;
