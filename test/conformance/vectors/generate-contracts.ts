/**
 * Writes reputation.json, draw.json, statements.json, shards.json, possession.json, audits.json, reach.json and majority.json, the golden vectors that the TypeScript in src and the Solidity
 * in contracts/src/libraries both must reproduce: `node test/conformance/vectors/generate-contracts.ts`. Deterministic. Columns stand in
 * arrays of equal length, which forge's JSON cheatcodes read quickest; numbers above 2^53 are strings.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keccak256, slice, toHex, zeroHash, type Address, type Hex } from 'viem';
import { drawReplicas, exponential, weightOf, type Candidate } from '../../../src/protocol/rules/draw.ts';
import { SKETCH_BYTES, SKETCH_CONTENT_BYTES, SKETCH_VERSION } from '../../../src/evidence/constants.ts';
import { majorityOf } from '../../../src/evidence/judge/majority.ts';
import { toleranceOf } from '../../../src/evidence/tolerance.ts';
import { SKETCH_BLOCKS } from '../../../src/evidence/fingerprint/sketch-distance.ts';
import { isAudited, secretHashOf } from '../../../src/protocol/rules/audit.ts';
import { possessionOf, possessionPicks, possessionProofs } from '../../../src/protocol/rules/possession.ts';
import { reachAfter } from '../../../src/protocol/rules/reach.ts';
import { sketchProofOf, sketchRootOf } from '../../../src/protocol/statements/sketch-root.ts';
import { decay, scoreBps } from '../../../src/protocol/rules/reputation.ts';
import { bidsHashOf, commitmentOf, jobIdOf, NO_CLAIM, rosterHashOf, type JobRequest } from '../../../src/protocol/statements/statements.ts';

const random = mulberry32(0x6761_6475);
const upTo = (limit: number): number => Math.floor(random() * (limit + 1));
const hash = (): Hex => keccak256(toHex(random().toString()));
const address = (): Address => `0x${hash().slice(26)}`;
/** A number of any size up to `bits` bits, small ones as likely as large ones. */
const anyUint = (bits: number): bigint => BigInt(hash()) >> BigInt(256 - 1 - upTo(bits - 1));

write('reputation.json', {
  score: columns([...corners(), ...times(200, () => ({ good: upTo(65_535), bad: upTo(1) * upTo(65_535) }))]
    .map(({ good, bad }) => ({ good, bad, score: scoreBps({ good, bad }) }))),
  decay: columns(times(300, (i) => {
    const before = { good: upTo(65_535), bad: upTo(65_535), day: 20_000 };
    const today = 20_000 + (i < 260 ? i : upTo(2000) - 500);
    const after = decay(before, today);
    return { ...before, today, goodAfter: after.good, badAfter: after.bad };
  })),
});

write('draw.json', {
  exponential: columns([...times(64, () => address()), ...times(64, () => address())].map((node) => {
    const seed = hash();
    return { seed, node, value: exponential(seed, node).toString() };
  })),
  weight: columns(times(200, (i) => {
    const maxPrice = 1n + anyUint(88);
    const candidate = { node: address(), price: i < 8 ? 0n : anyUint(88) % (maxPrice + 1n), locality: upTo(10_000), stake: anyUint(88), score: upTo(10_000) };
    return {
      stake: candidate.stake.toString(), score: candidate.score, locality: candidate.locality,
      price: candidate.price.toString(), maxPrice: maxPrice.toString(), weight: weightOf(candidate, maxPrice).toString(),
    };
  })),
  races: times(40, (i) => {
    const seed = hash();
    const maxPrice = 10n ** 19n;
    const k = 1 + (i % 15);
    const candidates: Candidate[] = times(k + upTo(16 - k), () => ({
      node: address(), price: anyUint(63) % (maxPrice + 1n), locality: upTo(10_000), stake: anyUint(87), score: upTo(10_000),
    }));
    return {
      seed, maxPrice: maxPrice.toString(), k,
      node: candidates.map(({ node }) => node), price: candidates.map(({ price }) => price.toString()),
      locality: candidates.map(({ locality }) => locality), stake: candidates.map(({ stake }) => stake.toString()),
      score: candidates.map(({ score }) => score), winners: drawReplicas(seed, candidates, maxPrice, k),
    };
  }),
});

const court = { chainId: 31_337, scheduler: address() };
const request: JobRequest = {
  client: address(), nonce: 0xffff_ffff_ffff_fffen, specDigest: hash(), replicas: 15, policy: 1, maxPrice: (1n << 84n) - 1n, stake: (1n << 88n) - 3n,
  minScore: 10_000, assignWindow: 61, commitWindow: 3601, settleWindow: 0xffff_fffe, disputeWindow: 7, sealKey: hash(), secretHash: hash(),
  reach: (1n << 255n) - 5n, bidBlocks: 0xfffe, shards: 0xffff_fffd, dataRoot: hash(), dataBytes: (1n << 64n) - 7n,
};
const jobId = jobIdOf(court, request);
const bids = times(5, () => ({ jobId, node: address(), price: anyUint(88), locality: upTo(10_000), ...NO_CLAIM, possession: slice(hash(), 0, 16) }));
const opening = { resultDigest: hash(), evidenceDigest: hash(), salt: hash(), sketch: hash(), proof: [] };
write('statements.json', {
  chainId: court.chainId, scheduler: court.scheduler,
  request: Object.fromEntries(Object.entries(request).map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value])),
  jobId,
  bids: { node: bids.map(({ node }) => node), price: bids.map(({ price }) => price.toString()), locality: bids.map(({ locality }) => locality), possession: bids.map(({ possession }) => possession) },
  bidsHash: bidsHashOf(bids), noBidsHash: bidsHashOf([]),
  rosterHash: rosterHashOf(bids),
  node: bids[0]!.node, opening, commitment: commitmentOf(jobId, bids[0]!.node, opening), zero: zeroHash,
});

write('shards.json', [1, 2, 3, 5, 8, 13].map((count) => {
  const sketches = times(count, (i) => toHex(`sketch ${i} of ${count}`));
  return { sketches, root: sketchRootOf(sketches), proofs: sketches.map((_, shard) => sketchProofOf(sketches, shard)) };
}));

write('possession.json', await Promise.all([1, 2048, 2049, 10_000, 40_000].map(async (dataBytes) => {
  const [seed, node] = [hash(), address()];
  const content = Uint8Array.from({ length: dataBytes }, () => upTo(255));
  const picks = possessionPicks(seed, BigInt(dataBytes));
  const { dataRoot, chunks, proofs } = await possessionProofs([content], picks);
  return { dataRoot, dataBytes, seed, node, picks, chunks: chunks.map((chunk) => toHex(chunk)), proofs, possession: possessionOf(chunks, node) };
})));

write('audits.json', columns(times(60, () => {
  const [secret, id, commitment, auditBps] = [hash(), hash(), hash(), upTo(10_000)];
  return { secret, jobId: id, commitment, auditBps, secretHash: secretHashOf(secret, auditBps), audited: isAudited(secret, auditBps, id, commitment) ? 1 : 0 };
})));

write('reach.json', columns(times(100, (i) => {
  const terms = { reach: i % 10 === 0 ? 0n : anyUint(256), assignWindow: 1 + upTo(5000) };
  const elapsed = upTo(terms.assignWindow);
  return { reach: terms.reach.toString(), assignWindow: terms.assignWindow, elapsed, bound: reachAfter(terms, elapsed).toString() };
})));

/** Sketches whose features all have one value, the tone: of one shard, one step apart they are alike, two steps apart they are not. Their first bits of content are set. */
const step = Math.floor(0.6 * Math.min(...SKETCH_BLOCKS.map(({ tolerance }) => tolerance)));
write('majority.json', times(60, () => majority(1, [0, 0, 0, 3, 4, 9, 30])));
write('majority-shards.json', times(60, (i) => majority([2, 3, 5, 60, 64, 65, 10_000, 2 ** 32 - 1][i % 8]!, [0, 0, 0, 3, 4, 9, 30, 16, 17])));

function majority(shards: number, contents: readonly number[]) {
  const tones = times(1 + upTo(14), () => upTo((upTo(1) === 0 ? 5 : 1) * toleranceOf(shards)) * step);
  const bits = tones.map(() => contents[upTo(contents.length - 1)]!);
  const results = tones.map(() => upTo(2));
  return { shards, tones, bits, results, majority: majorityOf(tones.map((tone, seat) => ({ sketch: flatSketch(tone, bits[seat]!), resultDigest: String(results[seat]) })), shards) };
}

function corners(): { good: number; bad: number }[] {
  const ends = [0, 1, 255, 256, 65_534, 65_535];
  return ends.flatMap((good) => ends.map((bad) => ({ good, bad })));
}

function flatSketch(tone: number, bits: number): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES);
  const view = new DataView(sketch.buffer);
  sketch[0] = SKETCH_VERSION;
  for (let at = 1; at < SKETCH_BYTES - SKETCH_CONTENT_BYTES; at += 2) view.setUint16(at, tone);
  view.setBigUint64(SKETCH_BYTES - SKETCH_CONTENT_BYTES, (1n << BigInt(bits)) - 1n);
  return sketch;
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** From rows to columns. */
function columns(rows: readonly Record<string, unknown>[]): Record<string, unknown[]> {
  return Object.fromEntries(Object.keys(rows[0]!).map((key) => [key, rows.map((row) => row[key])]));
}

function write(name: string, content: object): void {
  writeFileSync(join(import.meta.dirname, name), `${JSON.stringify(content)}\n`);
}

/** A small seeded generator, so that the vectors come out the same each time. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
