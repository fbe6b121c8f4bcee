import { decodeFunctionData, isAddressEqual, type Hex } from 'viem';
import { jobIdOf, type Court, type JobRequest, type Pledge } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { toChainError } from '../errors.ts';
import { withSignal } from '../rpc/with-signal.ts';

/** Whose word is looked for, and in which message. */
export interface PledgePlace { transactionHash: Hex; jobId: Hex; index: number }

/**
 * What a seat signed that came to the chain in a message: its own commitment, or a set. Undefined where the node called itself, or where a
 * contract carried the message in a way of its own: then there is no signature to show.
 *
 * @throws ChainError RPC_UNREACHABLE, RPC_ERROR
 */
export async function readPledge(chain: Pick<Chain, 'client' | 'scheduler'>, court: Court, place: PledgePlace, { signal }: CallOptions = {}): Promise<Pledge | undefined> {
  try {
    const transaction = await withSignal(chain.client, signal).request({ method: 'eth_getTransactionByHash', params: [place.transactionHash] });
    if (!transaction?.to || !isAddressEqual(transaction.to, chain.scheduler)) return undefined;
    return pledgeIn(transaction.input, court, place);
  } catch (error) {
    signal?.throwIfAborted();
    throw toChainError(error);
  }
}

function pledgeIn(data: Hex, court: Court, { jobId, index }: Omit<PledgePlace, 'transactionHash'>): Pledge | undefined {
  let call;
  try {
    call = decodeFunctionData({ abi, data });
  } catch {
    return undefined;
  }
  const isOurs = (request: JobRequest): boolean => jobIdOf(court, request) === jobId.toLowerCase();
  switch (call.functionName) {
    case 'commit': {
      const [request, , commitments] = call.args;
      const own = commitments.find((one) => one.index === index);
      return own === undefined || own.signature === '0x' || !isOurs(request) ? undefined : { isSet: false, commitments: [own.commitment], signature: own.signature };
    }
    case 'commitSet': return isOurs(call.args[0]) ? setPledge(call.args[1], call.args[3][index]) : undefined;
    case 'settleDirect': return isOurs(call.args[0]) ? setPledge(call.args[1], call.args[2][index]) : undefined;
    case 'multicall': return call.args[0].flatMap((inner) => pledgeIn(inner, court, { jobId, index }) ?? [])[0];
    default: return undefined;
  }
}

function setPledge(roster: readonly { commitment: Hex }[], signature: Hex | undefined): Pledge | undefined {
  return signature === undefined || signature === '0x' ? undefined : { isSet: true, commitments: roster.map(({ commitment }) => commitment), signature };
}
