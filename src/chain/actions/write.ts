import { encodeFunctionData, type Abi, type Address, type ContractFunctionArgs, type ContractFunctionName, type EncodeFunctionDataParameters, type Hash, type Hex, type TransactionReceipt } from 'viem';
import { getBlock } from 'viem/actions';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { decodeEvent, type ChainEvent, type RpcLog } from '../watch/decode-events.ts';
import { toChainError } from '../errors.ts';
import { withSignal } from '../rpc/with-signal.ts';

/** A mined transaction. `ms` is the wall time from the call to the receipt; `events` are the scheduler's, in order. */
export interface WriteResult { hash: Hash; blockNumber: bigint; gasUsed: bigint; ms: number; events: ChainEvent[] }

type Mutability = 'nonpayable' | 'payable';

/** Sends one call of a contract from the chain's account and waits for its receipt. @throws ChainError */
export async function write<const A extends Abi, N extends ContractFunctionName<A, Mutability>>(
  chain: Chain,
  to: Address,
  call: { abi: A; functionName: N; args: ContractFunctionArgs<A, Mutability, N> },
  options: CallOptions = {},
): Promise<WriteResult> {
  const started = performance.now();
  let data: Hex;
  try {
    data = encodeFunctionData(call as unknown as EncodeFunctionDataParameters);
  } catch (error) {
    throw toChainError(error);
  }
  const receipt = await chain.sender().send({ to, data }, options);
  return {
    hash: receipt.transactionHash, blockNumber: receipt.blockNumber, gasUsed: receipt.gasUsed, ms: performance.now() - started,
    events: await eventsOf(chain, receipt, options),
  };
}

async function eventsOf(chain: Chain, receipt: TransactionReceipt, { signal }: CallOptions): Promise<ChainEvent[]> {
  const logs = receipt.logs.filter(({ address }) => address.toLowerCase() === chain.scheduler.toLowerCase());
  const first = logs[0];
  if (first === undefined) return [];
  // Newer nodes give the time with the log; viem's type does not know.
  const given = (first as { blockTimestamp?: Hex | bigint }).blockTimestamp;
  const at = given === undefined ? await timeOf(chain, receipt.blockNumber, signal) : Number(given);
  return logs.flatMap((log) => decodeEvent({ ...log, blockNumber: toHex(log.blockNumber), logIndex: toHex(log.logIndex) } as RpcLog, at) ?? []);
}

async function timeOf(chain: Chain, blockNumber: bigint, signal: AbortSignal | undefined): Promise<number> {
  try {
    return Number((await getBlock(withSignal(chain.client, signal), { blockNumber })).timestamp);
  } catch (error) {
    signal?.throwIfAborted();
    throw toChainError(error);
  }
}

const toHex = (value: bigint | number): Hex => `0x${value.toString(16)}`;
