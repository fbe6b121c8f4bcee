import type { Address } from 'viem';
import { rate } from '../../../lab/economics/rules.ts';
import { decay, scoreBps, type JobRequest, type JobState, type Reputation } from '../../../src/protocol/index.ts';
import { noShow } from './ending.ts';
import { has } from './play.ts';

const DAY = 86_400;

/** A client's purse or a node's stake, with its name. */
export interface Account extends Reputation { free: bigint; locked: bigint; since: number }

/** Who has how much coin in the scheduler, and which name. */
export class Purses {
  readonly accounts: Map<Address, Account>;
  readonly client: Address;
  burnt = 0n;

  constructor(client: Address, accounts: Map<Address, Account>) {
    [this.client, this.accounts] = [client, accounts];
  }

  account(address: Address): Account {
    return this.accounts.get(address)!;
  }

  score(address: Address, at: number): number {
    return scoreBps(decay(this.account(address), Math.floor(at / DAY)));
  }

  /** Coin that all parties together have in the scheduler. */
  total(): bigint {
    return [...this.accounts.values()].reduce((sum, { free, locked }) => sum + free + locked, 0n);
  }

  /** What the purse lacks is pulled. */
  lockClient(amount: bigint): void {
    const account = this.account(this.client);
    account.free = account.free > amount ? account.free - amount : 0n;
    account.locked += amount;
  }

  lock(node: Address, amount: bigint): void {
    const account = this.account(node);
    account.free -= amount;
    account.locked += amount;
  }

  /** Closes seats that did not commit. What they lose to the client; what those lose that claimed falsely is nobody's. */
  absent(state: JobState, mask: number, at: number): bigint {
    if (!('committed' in state)) return 0n;
    let lost = 0n;
    state.roster.forEach(({ node }, seat) => {
      if (!has(mask, seat)) return;
      const { stake } = state.request;
      const claimed = has(state.equivocated ?? 0, seat);
      this.lock(node, -stake);
      this.account(node).free -= claimed ? stake : noShow(state.request);
      if (claimed) this.burnt += stake;
      else lost += noShow(state.request);
      this.rate(node, { good: 0, bad: claimed ? 8 : 2 }, at);
    });
    return lost;
  }

  refund(request: JobRequest, change: bigint, { good = 0, bad = 0 }: { good?: number; bad?: number }, at: number): void {
    this.lock(this.client, -escrowOf(request));
    this.account(this.client).free += change;
    this.rate(this.client, { good, bad }, at);
  }

  rate(address: Address, change: { good: number; bad: number }, at: number): void {
    if (change.good === 0 && change.bad === 0) return;
    Object.assign(this.account(address), rate(this.account(address), change, Math.floor(at / DAY)));
  }
}

/** What a client locks, and who calls for a widening. */
export function escrowOf({ maxPrice, replicas }: JobRequest): bigint {
  return maxPrice * BigInt(replicas + 1);
}
