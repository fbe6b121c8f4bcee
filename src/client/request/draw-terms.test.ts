import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainProfile } from '../../chain/index.ts';
import { parseJobSpec } from '../../protocol/index.ts';
import { FETCH_BLOCKS_PER_SECOND, FETCH_BYTES_PER_SECOND } from '../constants.ts';
import { drawTerms, type TermsInit } from './draw-terms.ts';

const { signal } = new AbortController();
const CHAIN = 1;
const windows = { assign: 100, commitMargin: 100, settle: 100, dispute: 100 };
const held = (totalBytes: number, blocks: number): TermsInit['storage'] => ({
  locality: async () => ({ share: 1, heldBytes: totalBytes, totalBytes, blocks }), ls: () => assert.fail('read'), cat: () => assert.fail('read'),
});
const spec = parseJobSpec({ command: ['true'], inputs: [{ source: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', target: '/inputs/data' }], resources: { timeoutMs: 60_000 } });
const marginOf = async (storage: TermsInit['storage'], asked = {}) => (await drawTerms({ storage, chainId: CHAIN, windows, asked }, spec, 1, signal)).windows.commitMargin;

test('whoever has to fetch a large input has time for it, as far as the chain gives any, unless the caller says how much', async () => {
  assert.equal(await marginOf(held(3_000 * FETCH_BYTES_PER_SECOND, 200 * FETCH_BLOCKS_PER_SECOND)), 100 + 3_000 + 200);
  assert.equal(await marginOf(held(1e18, 1)), chainProfile(CHAIN).maxWindowSeconds - 60);
  assert.equal(await marginOf(held(1e18, 1), { commitMargin: 7 }), 7);
});
