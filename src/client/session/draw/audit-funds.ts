import { coinAllowance, coinBalance, readParty, type Chain } from '../../../chain/index.ts';
import type { JobRequest } from '../../../protocol/index.ts';
import { ClientError } from '../../errors.ts';

/**
 * Whether the client can pay the check of a job's only replica, which is drawn once the replica has committed: then the client locks as much again as
 * the job did, and who cannot is left with a job whose evidence no node hands over.
 *
 * @throws ClientError CLIENT_FUNDS, ChainError
 */
export async function requireAuditFunds(chain: Chain, { client, replicas, maxPrice }: JobRequest, auditBps: number, options: { signal?: AbortSignal } = {}): Promise<void> {
  if (auditBps === 0) return;
  const needed = 2n * BigInt(replicas + 1) * maxPrice;
  const { free } = await readParty(chain, client, 'client', options);
  if (free >= needed) return;
  const [balance, allowance] = await Promise.all([coinBalance(chain, client, options), coinAllowance(chain, client, options)]);
  // Nothing to take is for the chain to say of the job itself.
  const within = free + (balance < allowance ? balance : allowance);
  if (within >= needed || within < needed / 2n) return;
  throw new ClientError('CLIENT_FUNDS', 'there is enough coin for the job, not for a check of its only replica', {
    details: `${within} units within reach, ${needed} needed if the replica is drawn`,
    hint: 'fund the account, lower the price, or ask for no check (--audit 0) and trust the node',
  });
}
