import { encodeFunctionData, type Address, type Hex } from 'viem';
import { call } from 'viem/actions';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { WALLET_GAS } from '../constants.ts';
import { toChainError } from '../errors.ts';
import { withSignal } from '../rpc/with-signal.ts';

const abi = [{
  type: 'function', name: 'isValidSignature', stateMutability: 'view',
  inputs: [{ name: 'hash', type: 'bytes32' }, { name: 'signature', type: 'bytes' }], outputs: [{ name: 'magic', type: 'bytes4' }],
}] as const;
const MAGIC = `0x1626ba7e${'00'.repeat(28)}`;

/**
 * Whether an account is a contract that takes a signature for its own (EIP-1271), by the scheduler's rules. The gas is a little less than
 * the scheduler gives: what is good here must be good there.
 *
 * @throws ChainError RPC_UNREACHABLE, RPC_ERROR; a contract that fails is no error but a no
 */
export async function approvedByWallet(chain: Chain, account: Address, digest: Hex, signature: Hex, { signal }: CallOptions = {}): Promise<boolean> {
  const data = encodeFunctionData({ abi, functionName: 'isValidSignature', args: [digest, signature] });
  try {
    const answer = await call(withSignal(chain.client, signal), { to: account, data, gas: WALLET_GAS });
    return answer.data?.slice(0, MAGIC.length).toLowerCase() === MAGIC;
  } catch (cause) {
    signal?.throwIfAborted();
    const error = toChainError(cause);
    if (error.code === 'RPC_UNREACHABLE') throw error;
    return false;
  }
}
