import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainProfile } from './chain-profile.ts';

test('Filecoin and its test networks take seeds from drand and have epochs of 30 s; what is not known is an EVM chain', () => {
  for (const id of [314, 314_159]) {
    const { kind, randomness, blockTimeMs, seedDelay } = chainProfile(id);
    assert.deepEqual({ kind, randomness, blockTimeMs, seedDelay }, { kind: 'filecoin', randomness: 'drand', blockTimeMs: 30_000, seedDelay: 10 });
  }
  assert.equal(chainProfile(31_337).kind, 'devnet');
  assert.equal(chainProfile(1).kind, 'evm');
  assert.equal(chainProfile(987_654).randomness, 'block-hash');
});

test('the default window of assignment outlasts the seed\'s delay on every kind of chain', () => {
  for (const id of [1, 314, 31_337]) {
    const { seedDelay, blockTimeMs, minWindowSeconds, maxWindowSeconds } = chainProfile(id);
    assert.ok(minWindowSeconds * 1000 >= seedDelay * blockTimeMs && minWindowSeconds < maxWindowSeconds, String(id));
  }
});
