import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isError } from '../../protocol/base/errors.ts';
import { RESULT_SEAL_CHUNK_BYTES as CHUNK } from '../constants.ts';
import type { EvidenceErrorCode } from '../errors.ts';
import { createSealKeys } from './seal-keys.ts';
import { openResult, sealResult } from './seal-result.ts';

const HEADER = 96;
const SEALED_CHUNK = CHUNK + 16;
const keys = await createSealKeys(`0x${'07'.repeat(32)}`);
const context = {
  court: { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' }, jobId: `0x${'11'.repeat(32)}`,
  node: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', resultCid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
} as const;

async function* inPieces(bytes: Uint8Array, length = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function joined(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of stream) all.push(part);
  return Buffer.concat(all);
}

const seal = (plain: Uint8Array, piece?: number) => joined(sealResult(inPieces(plain, piece), { ...context, sealKey: keys.publicKey }));
const open = (sealed: Uint8Array, changes: Partial<Parameters<typeof openResult>[1]> = {}, piece?: number) => joined(openResult(inPieces(sealed, piece), { ...context, privateKey: keys.privateKey, ...changes }));
const rejects = (run: Promise<unknown>, ...codes: EvidenceErrorCode[]) => assert.rejects(run, (error) => isError(error, ...codes) || assert.fail(String(error)));

const plain = randomBytes(3 * CHUNK + 1000);
const sealed = await seal(plain);
/** The chunks of the sealed file, the header first. */
const parts = [sealed.subarray(0, HEADER), ...[0, 1, 2, 3].map((i) => sealed.subarray(HEADER + i * SEALED_CHUNK, HEADER + (i + 1) * SEALED_CHUNK))];

describe('sealResult', () => {
  it('opens again, whatever the length and however it comes', async () => {
    for (const length of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, plain.length]) {
      const file = await seal(plain.subarray(0, length), 10_000);
      assert.equal(file.length, HEADER + length + 16 * Math.max(1, Math.ceil(length / CHUNK)));
      for (const piece of [999, 1 << 20]) assert.ok((await open(file, {}, piece)).equals(plain.subarray(0, length)), `${length} bytes in pieces of ${piece}`);
    }
  });

  it('shows nothing of what it holds, and is another file each time', async () => {
    const zeros = await seal(new Uint8Array(2 * CHUNK));
    assert.equal(zeros.subarray(HEADER, HEADER + CHUNK).equals(zeros.subarray(HEADER + SEALED_CHUNK, HEADER + SEALED_CHUNK + CHUNK)), false);
    assert.equal((await seal(plain)).equals(sealed), false);
  });

  it('opens for no other key, chain, contract, job, node or result', async () => {
    const other = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC' as const;
    for (const changes of [
      { privateKey: (await createSealKeys()).privateKey }, { court: { ...context.court, chainId: 1 } }, { court: { ...context.court, scheduler: other } },
      { jobId: `0x${'22'.repeat(32)}` as const }, { node: other }, { resultCid: 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4' },
    ]) await rejects(open(sealed, changes), 'RESULT_UNOPENED');
    await rejects(open(sealed, { privateKey: '0x12' }), 'SEAL_KEY_INVALID');
  });

  it('tells a missing end, also where it ends between two chunks', async () => {
    for (const count of [1, 2, 3, 4]) await rejects(open(Buffer.concat(parts.slice(0, count))), 'RESULT_CUT');
    await rejects(open(sealed.subarray(0, 50)), 'RESULT_CUT');
    await rejects(open(new Uint8Array()), 'RESULT_CUT');
    await rejects(open(Buffer.from('a file of quite another kind'.repeat(10))), 'RESULT_UNOPENED');
  });

  it('refuses chunks that were left out, doubled, put in another order, or are of another file', async () => {
    const [head, a, b, c, end] = parts as [Buffer, Buffer, Buffer, Buffer, Buffer];
    const foreign = (await seal(plain)).subarray(HEADER, HEADER + SEALED_CHUNK);
    for (const order of [[a, c, end], [b, a, c, end], [a, a, b, c, end], [a, b, end, c], [end], [a, b, c, end, end], [foreign, b, c, end]]) {
      await rejects(open(Buffer.concat([head, ...order])), 'RESULT_DAMAGED');
    }
  });

  it('takes no end of nothing behind a whole chunk', async () => {
    const whole = await seal(plain.subarray(0, CHUNK));
    const empty = (await seal(new Uint8Array())).subarray(HEADER);
    await rejects(open(Buffer.concat([whole, empty])), 'RESULT_DAMAGED');
  });
});

describe('a sealed result in bad hands', () => {
  const property = (run: (at: number, seed: number) => Promise<void>) => fc.assert(fc.asyncProperty(fc.nat({ max: sealed.length - 1 }), fc.nat({ max: 254 }), run), { numRuns: 100 });

  it('does not open with a bit changed, wherever', () => property(async (at, seed) => {
    const changed = Buffer.from(sealed);
    changed[at]! ^= seed + 1;
    await rejects(open(changed), 'RESULT_UNOPENED', 'RESULT_DAMAGED');
  }));

  it('does not open cut, wherever', () => property(async (at) => {
    await rejects(open(sealed.subarray(0, at)), 'RESULT_CUT', 'RESULT_DAMAGED');
  }));

  it('does not open with bytes behind it or missing within it, however many', () => property(async (at, seed) => {
    await rejects(open(Buffer.concat([sealed, randomBytes(1 + at)])), 'RESULT_DAMAGED');
    await rejects(open(Buffer.concat([sealed.subarray(0, at), sealed.subarray(at + 1 + seed)])), 'RESULT_UNOPENED', 'RESULT_DAMAGED', 'RESULT_CUT');
  }));

  it('gives nothing out that was not in it', () => property(async (at, seed) => {
    const changed = Buffer.from(sealed);
    changed[at]! ^= seed + 1;
    const came: Uint8Array[] = [];
    await assert.rejects(async () => {
      for await (const part of openResult(inPieces(changed), { ...context, privateKey: keys.privateKey })) came.push(part);
    });
    const before = Buffer.concat(came);
    assert.ok(before.equals(plain.subarray(0, before.length)));
  }));
});
