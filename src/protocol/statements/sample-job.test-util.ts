import { PLAIN_TERMS, type JobRequest } from '../index.ts';

/** A word of zero. */
export const ZERO = `0x${'00'.repeat(32)}` as const;
/** The n-th node's place in a roster. */
export const seat = (n: number) => ({ node: `0x${String(n).padStart(40, '0')}` as const, price: 1n, commitment: ZERO });
/** A job of three seats whose windows are a hundred seconds each. */
export const sampleRequest: JobRequest = {
  client: seat(9).node, nonce: 1n, specDigest: ZERO, replicas: 3, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 100, commitWindow: 100, settleWindow: 100, disputeWindow: 100, sealKey: ZERO, secretHash: ZERO, ...PLAIN_TERMS,
};
/** The same from its assignment at 1000 s on. */
export const rostered = { request: sampleRequest, since: 1000, roster: [seat(0), seat(1), seat(2)], committed: 0b111 };
