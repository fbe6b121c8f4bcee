import { encodeEventTopics, type Hex } from 'viem';
import type { JobEvent } from '../../protocol/index.ts';
import { schedulerAbi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { decodeEvent, isJobEvent, type ChainEvent, type PartyEvent } from '../watch/decode-events.ts';
import { toChainError } from '../errors.ts';
import { createLogSource } from '../watch/log-source.ts';

type Topics = (Hex | null)[];

/** Everything the chain says of one job, in order. `fromBlock` may be any block before its submit. @throws ChainError */
export async function readJobEvents(chain: Chain, { jobId, fromBlock }: { jobId: Hex; fromBlock: bigint }, options?: CallOptions): Promise<JobEvent[]> {
  return (await readEvents(chain, [null, jobId], fromBlock, options)).filter(isJobEvent);
}

/** Every registration of a node since a block, oldest first. @throws ChainError */
export async function readRegistrations(chain: Chain, { fromBlock }: { fromBlock: bigint }, options?: CallOptions): Promise<Extract<PartyEvent, { type: 'Registered' }>[]> {
  const [topic] = encodeEventTopics({ abi: schedulerAbi, eventName: 'Registered' });
  return (await readEvents(chain, [topic as Hex], fromBlock, options)).filter((event) => event.type === 'Registered');
}

async function readEvents(chain: Chain, topics: Topics, fromBlock: bigint, { signal = new AbortController().signal }: CallOptions = {}): Promise<ChainEvent[]> {
  const source = createLogSource(chain.client, chain.scheduler, signal, topics);
  try {
    const events: ChainEvent[] = [];
    const { number: head } = await source.latest();
    for (let from = Number(fromBlock); from <= head;) {
      const { logs, to } = await source.logsBetween(from, head);
      events.push(...(await source.withTimes(logs)).flatMap((log) => decodeEvent(log) ?? []));
      from = to + 1;
    }
    return events;
  } catch (error) {
    signal.throwIfAborted();
    throw toChainError(error);
  }
}
