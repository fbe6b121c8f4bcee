import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { identity } from 'multiformats/hashes/identity';
import { BlockSet } from './block-set.ts';

const cidOf = (digest: Uint8Array, hash = 0x12) => CID.createV1(raw.code, createDigest(hash, digest));

test('holds what was added and nothing else, however many there are', () => {
  const set = new BlockSet();
  const digests = Array.from({ length: 100_000 }, (_, i) => createHash('sha256').update(String(i)).digest());
  for (const [i, digest] of digests.entries()) {
    if (i % 2 === 0) assert.equal(set.add(cidOf(digest)), true);
  }
  assert.equal(set.size, digests.length / 2);
  for (const [i, digest] of digests.entries()) assert.equal(set.has(cidOf(digest)), i % 2 === 0);
  assert.equal(set.add(cidOf(digests[0]!)), false);
  assert.equal(set.size, digests.length / 2);
});

test('digests that differ in one bit, or begin alike, are others', () => {
  const set = new BlockSet();
  const digest = randomBytes(32);
  set.add(cidOf(digest));
  for (let bit = 0; bit < 256; bit++) {
    const other = Buffer.from(digest);
    other[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(set.has(cidOf(other)), false);
    assert.equal(set.add(cidOf(other)), true);
  }
  assert.equal(set.size, 257);
  assert.equal(set.has(cidOf(digest)), true);
});

test('the same hash is the same block under any codec and version; another hash function is another block', () => {
  const set = new BlockSet();
  const digest = randomBytes(32);
  set.add(CID.createV0(createDigest(0x12, digest)));
  assert.equal(set.has(CID.createV1(dagPb.code, createDigest(0x12, digest))), true);
  assert.equal(set.has(cidOf(digest)), true);
  for (const other of [cidOf(digest, 0x1b), CID.createV1(raw.code, identity.digest(digest)), cidOf(Buffer.concat([digest, digest]), 0x13)]) {
    assert.equal(set.has(other), false);
    assert.equal(set.add(other), true);
    assert.equal(set.add(other), false);
    assert.equal(set.has(other), true);
  }
  assert.equal(set.size, 4);
});
