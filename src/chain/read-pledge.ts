import { decodeFunctionData, isAddressEqual, type Hex } from 'viem';
import type { Pledge } from '../protocol/index.ts';
import { schedulerAbi as abi } from './abi.ts';
import type { CallOptions, Chain } from './chain-client.ts';
import { toChainError } from './errors.ts';
import { withSignal } from './with-signal.ts';

/**
 * What a seat signed that came to the chain in a message: its own commitment, or a set. Undefined where the node called itself, or where a
 * contract carried the message in a way of its own: then there is no signature to show.
 *
 * @throws ChainError RPC_UNREACHABLE, RPC_ERROR
 */
export async function readPledge(chain: Chain, transactionHash: Hex, index: number, { signal }: CallOptions = {}): Promise<Pledge | undefined> {
  try {
    const transaction = await withSignal(chain.client, signal).request({ method: 'eth_getTransactionByHash', params: [transactionHash] });
    if (transaction === null || transaction.to === null || transaction.to === undefined || !isAddressEqual(transaction.to, chain.scheduler)) return undefined;
    return pledgeIn(transaction.input, index);
  } catch (error) {
    signal?.throwIfAborted();
    throw toChainError(error);
  }
}

function pledgeIn(data: Hex, index: number): Pledge | undefined {
  let call;
  try {
    call = decodeFunctionData({ abi, data });
  } catch {
    return undefined;
  }
  switch (call.functionName) {
    case 'commit': {
      const own = call.args[2].find((one) => one.index === index);
      return own === undefined || own.signature === '0x' ? undefined : { isSet: false, commitments: [own.commitment], signature: own.signature };
    }
    case 'commitSet': return setPledge(call.args[1], call.args[3][index]);
    case 'settleDirect': return setPledge(call.args[1], call.args[2][index]);
    case 'multicall': return call.args[0].flatMap((inner) => pledgeIn(inner, index) ?? [])[0];
    default: return undefined;
  }
}

function setPledge(roster: readonly { commitment: Hex }[], signature: Hex | undefined): Pledge | undefined {
  return signature === undefined || signature === '0x' ? undefined : { isSet: true, commitments: roster.map(({ commitment }) => commitment), signature };
}
