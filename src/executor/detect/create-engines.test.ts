import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINE_CHOICES, createEngines } from './create-engines.ts';
import { createNoopEngine } from '../noop/noop-engine.ts';

test('engines say whether they can give jobs a network, which a node goes by before it bids', () => {
  const made = createEngines(ENGINE_CHOICES, { dir: '/nowhere' });
  assert.deepEqual(ENGINE_CHOICES.filter((_, i) => made[i]!.network === true), ['microvm', 'microvm-emulated', 'container']);
  assert.equal(createNoopEngine().network, undefined);
});
