import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainProfile } from '../../chain/index.ts';
import { parseJobSpec } from '../../protocol/index.ts';
import { FETCH_BLOCKS_PER_SECOND, FETCH_BYTES_PER_SECOND, UNPACK_BYTES_PER_SECOND } from '../constants.ts';
import { drawTerms, type TermsInit } from './draw-terms.ts';

const { signal } = new AbortController();
const CHAIN = 1;
const windows = { assign: 100, commitMargin: 100, settle: 100, dispute: 100 };
const INPUT = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const IMAGE = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const nothing = { share: 0, heldBytes: 0, totalBytes: 0, blocks: 0 };
const holding = (places: Record<string, { share?: number; totalBytes: number; blocks: number }>): TermsInit['storage'] => ({
  locality: async (cid) => ({ ...nothing, share: cid.toString() in places ? 1 : 0, ...places[cid.toString()] }), ls: () => assert.fail('read'), cat: () => assert.fail('read'),
});
const held = (totalBytes: number, blocks: number) => holding({ [INPUT]: { totalBytes, blocks } });
const spec = parseJobSpec({ engine: 'container', image: IMAGE, command: ['true'], inputs: [{ source: INPUT, target: '/inputs/data' }], resources: { timeoutMs: 60_000 } });
const marginOf = async (storage: TermsInit['storage'], asked = {}, job = spec) => (await drawTerms({ storage, chainId: CHAIN, windows, asked }, job, 1, signal)).windows.commitMargin;

test('whoever has to fetch a large input has time for it, as far as the chain gives any, unless the caller says how much', async () => {
  assert.equal(await marginOf(held(3_000 * FETCH_BYTES_PER_SECOND, 200 * FETCH_BLOCKS_PER_SECOND)), 100 + 3_000 + 200);
  assert.equal(await marginOf(held(1e18, 1)), chainProfile(CHAIN).maxWindowSeconds - 60);
  assert.equal(await marginOf(held(1e18, 1), { commitMargin: 7 }), 7);
});

test('whoever has to fetch and unpack a large image has time for it, also where the client has only its root, and none is given for what the client does not know', async () => {
  const image = { totalBytes: 900 * FETCH_BYTES_PER_SECOND, blocks: 4 * FETCH_BLOCKS_PER_SECOND };
  const forImage = 900 + 4 + Math.ceil(image.totalBytes / UNPACK_BYTES_PER_SECOND);
  assert.equal(await marginOf(holding({ [IMAGE]: image })), 100 + forImage);
  assert.equal(await marginOf(holding({ [IMAGE]: { ...image, share: 0.01 } })), 100 + forImage);
  assert.equal(await marginOf(holding({ [IMAGE]: image, [INPUT]: { totalBytes: 2_000 * FETCH_BYTES_PER_SECOND, blocks: 0 } })), 100 + 2_000 + forImage);
  assert.equal(await marginOf(holding({})), 100);
  assert.equal(await marginOf(holding({ [IMAGE]: { totalBytes: 1e18, blocks: 1 } })), chainProfile(CHAIN).maxWindowSeconds - 60);
  // A job that runs nothing has no image, whatever its name.
  assert.equal(await marginOf(holding({ [IMAGE]: image }), {}, { ...spec, engine: 'noop', image: 'busybox' }), 100);
});
