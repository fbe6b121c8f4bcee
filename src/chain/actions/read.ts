import type { Abi, Address, ContractFunctionArgs, ContractFunctionName, ContractFunctionReturnType } from 'viem';
import { readContract } from 'viem/actions';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { toChainError } from '../errors.ts';
import { withSignal } from '../rpc/with-signal.ts';

type View = 'view' | 'pure';

/** Calls a view of a contract on the latest block, or in the one that is being made. @throws ChainError NO_CONTRACT, RPC_UNREACHABLE, RPC_ERROR */
export async function read<const A extends Abi, N extends ContractFunctionName<A, View>, const P extends ContractFunctionArgs<A, View, N>>(
  chain: Chain,
  address: Address,
  call: { abi: A; functionName: N; args: P; blockTag?: 'pending' },
  { signal }: CallOptions = {},
): Promise<ContractFunctionReturnType<A, View, N, P>> {
  try {
    return await readContract(withSignal(chain.client, signal), { address, ...call } as never) as ContractFunctionReturnType<A, View, N, P>;
  } catch (error) {
    signal?.throwIfAborted();
    throw toChainError(error);
  }
}
