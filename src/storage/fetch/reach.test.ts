import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CID } from 'multiformats/cid';
import { isFindable, locate } from './reach.ts';
import type { Source } from '../source.ts';

const cid = CID.parse('bafkqaaa');
const source = (name: string, has: Source['has']): Source => ({ name, has, read: () => Promise.reject(new Error('not read')) });

test('one yes is enough, whatever the others do; a no waits for all, and their waiting ends with the question', async () => {
  const signals: AbortSignal[] = [];
  const silent = source('silent', (_cid, { signal }) => { signals.push(signal); return new Promise(() => {}); });
  const [yes, no, broken] = [source('yes', async () => true), source('no', async () => false), source('broken', async () => { throw new Error('down'); })];
  const { signal } = new AbortController();
  assert.equal(await isFindable([silent, no, broken, yes], cid, signal), true);
  assert.ok(signals[0]!.aborted);
  assert.equal(await isFindable([no, broken], cid, signal), false);
  assert.equal(await isFindable([], cid, signal), false);
  const over = new AbortController();
  const asked = isFindable([silent, no], cid, over.signal);
  over.abort(new Error('enough'));
  assert.equal(await asked, false);
  assert.deepEqual((await locate([yes, no, broken], cid, signal)).map(({ source: name, has, error }) => [name, has, error]), [['yes', true, undefined], ['no', false, undefined], ['broken', false, 'down']]);
});
