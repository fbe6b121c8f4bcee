import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Hex } from 'viem';
import { SKETCH_BYTES, SKETCH_CONTENT_BYTES, SKETCH_VERSION } from '../../../src/evidence/constants.ts';
import { majorityOf } from '../../../src/evidence/judge/majority.ts';
import { bidsHashOf, commitmentOf, jobIdOf, NO_CLAIM, rosterHashOf, type Bid, type JobRequest, type Opening } from '../../../src/protocol/index.ts';

interface Statements {
  chainId: number; scheduler: Hex; jobId: Hex; bidsHash: Hex; noBidsHash: Hex; rosterHash: Hex; node: Hex; commitment: Hex;
  request: { [K in keyof JobRequest]: JobRequest[K] extends bigint ? string : JobRequest[K] };
  bids: { node: Hex[]; price: string[]; locality: number[]; possession: Hex[] };
  opening: Opening;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T;

describe('what the contract and the client both compute', () => {
  it('hashes statements to the same bytes', () => {
    const v = read<Statements>('statements.json');
    const { nonce, maxPrice, stake, reach, dataBytes } = v.request;
    const request = { ...v.request, nonce: BigInt(nonce), maxPrice: BigInt(maxPrice), stake: BigInt(stake), reach: BigInt(reach), dataBytes: BigInt(dataBytes) };
    assert.equal(jobIdOf({ chainId: v.chainId, scheduler: v.scheduler }, request), v.jobId);
    const bids: Bid[] = v.bids.node.map((node, i) => ({ jobId: v.jobId, node, price: BigInt(v.bids.price[i]!), locality: v.bids.locality[i]!, ...NO_CLAIM, possession: v.bids.possession[i]! }));
    assert.equal(bidsHashOf(bids), v.bidsHash);
    assert.equal(bidsHashOf([]), v.noBidsHash);
    assert.equal(rosterHashOf(bids), v.rosterHash);
    assert.equal(commitmentOf(v.jobId, v.node, v.opening), v.commitment);
  });

  it('finds the same majorities', () => {
    for (const name of ['majority.json', 'majority-shards.json']) for (const { shards, tones, bits, results, majority } of read<{ shards: number; tones: number[]; bits: number[]; results: number[]; majority: number[] }[]>(name)) {
      assert.deepEqual(majorityOf(tones.map((tone, i) => ({ sketch: flatSketch(tone, bits[i]!), resultDigest: String(results[i]) })), shards), majority);
    }
  });
});

function flatSketch(tone: number, bits: number): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES);
  const view = new DataView(sketch.buffer);
  sketch[0] = SKETCH_VERSION;
  for (let at = 1; at < SKETCH_BYTES - SKETCH_CONTENT_BYTES; at += 2) view.setUint16(at, tone);
  view.setBigUint64(SKETCH_BYTES - SKETCH_CONTENT_BYTES, (1n << BigInt(bits)) - 1n);
  return sketch;
}
