import { encodeFunctionData, type ContractFunctionArgs, type ContractFunctionName, type EncodeFunctionDataParameters, type Hex } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';
import { toChainError } from '../errors.ts';

type Name = ContractFunctionName<typeof abi, 'nonpayable'>;

/** One step: a function of the scheduler with its arguments, as in the contract. */
export type Step = { [N in Name]: { functionName: N; args: ContractFunctionArgs<typeof abi, 'nonpayable', N> } }[Name];

/** Several steps, or steps of several jobs, in one message: all happen, or none. @throws ChainError with the code of the first that is refused */
export async function multicall(chain: Chain, steps: readonly Step[], options?: CallOptions): Promise<WriteResult> {
  let data: Hex[];
  try {
    data = steps.map((step) => encodeFunctionData({ abi, ...step } as unknown as EncodeFunctionDataParameters));
  } catch (error) {
    throw toChainError(error);
  }
  return write(chain, chain.scheduler, { abi, functionName: 'multicall', args: [data] }, options);
}
