import { bytesToHex, type Hex } from 'viem';
import type { JobRequest, SealedSeat, SignedBid } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** The seat's bid, and the chunks that the draw's seed picks with their proofs (`possessionProofs`); `roster` as the chain has it. */
export interface ProveFalseClaimArgs { request: JobRequest; roster: readonly SealedSeat[]; index: number; bid: SignedBid; chunks: readonly Uint8Array[]; proofs: readonly (readonly Hex[])[] }

/** Convicts a seat that claimed to hold input it did not hold. @throws ChainError NO_FALSE_CLAIM, BAD_CHUNK, BAD_SIGNATURE, BAD_INDEX, SEED_GONE, WRONG_STATE … */
export function proveFalseClaim(chain: Chain, { request, roster, index, bid, chunks, proofs }: ProveFalseClaimArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'proveFalseClaim', args: [request, roster, index, bid, chunks.map((chunk) => bytesToHex(chunk)), proofs] }, options);
}
