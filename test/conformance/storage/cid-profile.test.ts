import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import type { LocalBlocks } from '../../../src/storage/blocks/local-blocks.ts';
import { importBytes, importTree } from '../../../src/storage/unixfs/import-tree.ts';

/**
 * The test fixtures of IPIP-499 (specs.ipfs.tech/ipips/ipip-0499, CC0) for the profile `unixfs-v1-2025`, which Kubo's own tests have as well: files and
 * names are the ChaCha20 key stream of a seed's SHA-256 with a nonce of zeros.
 */
const MIB = 1024 * 1024;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz01234567890-_';

/** Bytes of a seed, a MiB at a time. */
async function* keyStream(seed: string, length: number): AsyncGenerator<Uint8Array> {
  const cipher = createCipheriv('chacha20', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  for (let left = length; left > 0; left -= MIB) yield new Uint8Array(cipher.update(Buffer.alloc(Math.min(left, MIB))));
}

async function nowhere() {
  const put = async (cid: CID) => cid;
  return { put } as unknown as LocalBlocks;
}

const cidOfFile = async (seed: string, length: number) => String((await importBytes(await nowhere(), keyStream(seed, length))).cid);

/** A folder of 4,766 files with an `x` each; all names have 11 letters, but for the last. */
async function cidOfFolder(lastName: number): Promise<string> {
  const letters = (await Array.fromAsync(keyStream('hamt-unixfs-v1-2025', MIB)))[0]!;
  const x = new TextEncoder().encode('x');
  const entries = Array.from({ length: 4_766 }, (_, i) => ({
    path: Array.from(letters.subarray(11 * i, i === 4_765 ? 11 * i + lastName : 11 * (i + 1)), (byte) => ALPHABET[byte % ALPHABET.length]).join(''), source: x,
  }));
  return String((await importTree(await nowhere(), entries)).cid);
}

test('files: small, of one chunk, of a byte more', async () => {
  assert.equal(String((await importBytes(await nowhere(), new TextEncoder().encode('hello world'))).cid), 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e');
  assert.equal(await cidOfFile('chunk-v1-seed', MIB), 'bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta');
  assert.equal(await cidOfFile('chunk-v1-seed', MIB + 1), 'bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64');
});

test('a folder whose block has 262,144 bytes is plain; of a byte more it is sharded', async () => {
  assert.equal(await cidOfFolder(21), 'bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4');
  assert.equal(await cidOfFolder(22), 'bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu');
});

test('files of as many chunks as a node has links, and of a byte more', { skip: process.env.GADUS_TEST_LARGE === undefined && 'NOT RUN: two GiB are hashed with GADUS_TEST_LARGE=1' }, async () => {
  assert.equal(await cidOfFile('v1-2025-seed', 1_024 * MIB), 'bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm');
  assert.equal(await cidOfFile('v1-2025-seed', 1_024 * MIB + 1), 'bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe');
});
