import { chainProfile } from '../../chain/index.ts';
import type { JobSpec, PossessionRoot } from '../../protocol/index.ts';
import type { Storage } from '../../storage/index.ts';
import { defaultBidBlocks, windowForReach } from './default-windows.ts';
import { fetchSeconds } from './fetch-seconds.ts';
import { knownImage } from './known-image.ts';
import { knownInputs } from './known-inputs.ts';
import type { DrawTerms, Windows } from './prepare-job.ts';
import type { Sortition } from './sortition.ts';

export interface TermsInit {
  storage: Pick<Storage, 'locality' | 'ls' | 'cat'>;
  chainId: number;
  /** Where only as many nodes are to bid as a draw can look at. */
  sortition?: Sortition;
  /** As they are where the caller says nothing. */
  windows: Windows;
  /** What the caller says of them, which holds. */
  asked: Partial<Windows>;
  bidBlocks?: number | undefined;
  dataRoot?: PossessionRoot | undefined;
}

/**
 * Terms of the draw, and windows that go with them: time to post bids, how many are to come, what the inputs are that bids may claim to hold, and
 * time to fetch them and the image, and to unpack that, as far as the chain gives a replica any.
 *
 * @throws StorageError, ChainError
 */
export async function drawTerms(
  { storage, chainId, sortition, windows, asked, bidBlocks = defaultBidBlocks(chainId), dataRoot }: TermsInit, spec: JobSpec, shards: number, signal: AbortSignal,
): Promise<{ terms: Partial<DrawTerms>; windows: Windows }> {
  const { root, ...size } = await knownInputs(storage, spec.inputs.map(({ source }) => source), { given: dataRoot, signal });
  const image = await knownImage(storage, spec, signal);
  const { verification: { replicas }, payment: { maxPrice }, resources: { timeoutMs } } = spec;
  const reach = await sortition?.reach({ replicas, maxPrice: BigInt(maxPrice) }, signal) ?? 0n;
  const longestMargin = chainProfile(chainId).maxWindowSeconds - Math.ceil((shards * timeoutMs) / 1000);
  return {
    terms: { shards, reach, bidBlocks, ...root },
    windows: {
      ...windows,
      assign: reach === 0n ? windows.assign : Math.max(windows.assign, windowForReach(chainId)),
      commitMargin: Math.max(windows.commitMargin, Math.min(windows.commitMargin + fetchSeconds(size, image), longestMargin)),
      ...asked,
    },
  };
}
