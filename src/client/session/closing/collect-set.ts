import type { Hex } from 'viem';
import { verifySetSignature } from '../../../chain/index.ts';
import { request, setProtocol } from '../../../network/index.ts';
import { anySignal, setDigestOf, withCommitments, type SealedSeat, type SignedSet } from '../../../protocol/index.ts';
import { addrsOf } from '../../book/addrs-of.ts';
import type { ClientComponents } from '../../components.ts';
import { SET_WAIT_MS } from '../../constants.ts';
import { ClientError } from '../../errors.ts';
import type { JobRecord } from '../../book/job-record.ts';

/**
 * Asks every seat to sign that these are all commitments there will be.
 *
 * @throws ClientError SET_REFUSED, NetworkError, ChainError BAD_SIGNATURE when one of them does not, in good time
 */
export async function collectSet(
  { host, court }: Pick<ClientComponents, 'host' | 'court'>, { jobId, bids }: JobRecord, roster: readonly SealedSeat[], commitments: Hex[], signal: AbortSignal,
): Promise<SignedSet> {
  const setDigest = setDigestOf(withCommitments(roster, commitments));
  const patience = anySignal(signal, AbortSignal.timeout(SET_WAIT_MS));
  const signatures = await Promise.all(roster.map(async ({ node }) => {
    const answer = await request(host, addrsOf({ bids }, node), setProtocol, { jobId, commitments }, { signal: patience });
    if (answer.status === 'refused') throw new ClientError('SET_REFUSED', 'a node does not sign the set of commitments', { details: `${node}: ${answer.reason}` });
    await verifySetSignature(court, node, { jobId, setDigest }, answer.signature);
    return answer.signature;
  }));
  return { commitments, signatures };
}
