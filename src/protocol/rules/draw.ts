import type { Address, Hex } from 'viem';
import { encodeAbiParameters, hexToBigInt, keccak256 } from 'viem/utils';
import { BPS, LOCALITY_BONUS, LOG2_FRACTION_BITS, MAX_PRICE_ADVANTAGE } from '../constants.ts';
import { maxUint256 } from '../base/words.ts';

/** What the draw knows of a bidder. */
export interface Candidate {
  node: Address;
  /** Asked price, coin units. */
  price: bigint;
  /** Share of the input held that counts (`countedLocality`), basis points. */
  locality: number;
  /** Free and locked stake, coin units. */
  stake: bigint;
  /** Reputation score, basis points. */
  score: number;
}

/**
 * Draws k bidders with probability linear in weight, without replacement, by an exponential race (Efraimidis and Spirakis,
 * Weighted random sampling with a reservoir, 2006): bidder i gets the key -log2(u_i)/w_i with u_i = keccak256(seed, node), and the
 * k smallest keys win. Order of the bids does not matter, leaving one out moves nobody else's key, and splitting a stake in two
 * gains nothing, for the minimum of two exponentials is an exponential of the summed weight. Integers as in the contract.
 *
 * @param bound largest key that counts (`reachAfter`)
 * @returns the winners' indices, best key first
 */
export function drawReplicas(seed: Hex, candidates: readonly Candidate[], maxPrice: bigint, k: number, bound: bigint = maxUint256): number[] {
  return candidates
    .map((candidate, index) => ({ index, key: keyOf(seed, candidate, maxPrice) }))
    .filter(({ key }) => key <= bound)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index))
    .slice(0, k)
    .map(({ index }) => index);
}

/** A bidder's key in the race; the smallest win. */
export function keyOf(seed: Hex, candidate: Candidate, maxPrice: bigint): bigint {
  return (exponential(seed, candidate.node) << 192n) / weightOf(candidate, maxPrice);
}

/** stake * (score + 5 %) * (1 + 3 * locality) * min(4, maxPrice / price), in fixed point; never zero. */
export function weightOf({ stake, score, locality, price }: Candidate, maxPrice: bigint): bigint {
  const bps = BigInt(BPS);
  const advantage = price === 0n ? MAX_PRICE_ADVANTAGE * bps : (maxPrice * bps) / price;
  const capped = advantage > MAX_PRICE_ADVANTAGE * bps ? MAX_PRICE_ADVANTAGE * bps : advantage;
  return stake * (BigInt(score) + 500n) * (bps + LOCALITY_BONUS * BigInt(locality)) * capped + 1n;
}

/** -log2(u / 2^256) for u = keccak256(abi.encode(seed, node)), with 24 fractional bits. */
export function exponential(seed: Hex, node: Address): bigint {
  const u = hexToBigInt(keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'address' }], [seed, node])));
  const exact = (256n << FRACTION_BITS) - log2(u | 1n);
  return exact < 1n ? 1n : exact;
}

const FRACTION_BITS = BigInt(LOG2_FRACTION_BITS);
const ONE = 1n << 127n;
/** Of the series of 2 artanh(y) / (y ln 2) in y^2, fitted to five terms at Chebyshev's points of [0, 1/9]; 64 fractional bits. */
const COEFFICIENTS = [53226052595812135834n, 17741925642123152855n, 10651756013425972094n, 7442374756918859598n, 7493636929438903165n];

/** log2(x) with 24 fractional bits, off by less than one unit: y P(y^2) with y = (m - 1) / (m + 1) for the mantissa m. */
function log2(x: bigint): bigint {
  const exponent = BigInt(x.toString(2).length - 1);
  const mantissa = exponent >= 127n ? x >> (exponent - 127n) : x << (127n - exponent);
  const y = ((mantissa - ONE) << 64n) / (mantissa + ONE);
  const z = (y * y) >> 64n;
  const p = COEFFICIENTS.reduceRight((sum, coefficient) => coefficient + ((sum * z) >> 64n), 0n);
  return (exponent << FRACTION_BITS) + ((y * p) >> (128n - FRACTION_BITS));
}

/** The draw's seed: keccak256(abi.encode(blockHash, jobId)). */
export function seedOf(blockHash: Hex, jobId: Hex): Hex {
  return keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }], [blockHash, jobId]));
}
