import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getAddress, type Address } from 'viem';
import { fromFilecoinAddress, toFilecoinAddress } from './filecoin-address.ts';

const VECTORS: [Address, string][] = [
  ['0x0000000000000000000000000000000000000000', 'f410faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaonc6iji'],
  ['0xd388ab098ed3e84c0d808776440b48f685198498', 'f410f2oekwcmo2pueydmaq53eic2i62crtbeyuzx2gmy'],
];

test('addresses are Filecoin\'s, and come back', () => {
  for (const [address, text] of VECTORS) {
    assert.equal(toFilecoinAddress(address), text);
    assert.equal(fromFilecoinAddress(text), getAddress(address));
    assert.equal(fromFilecoinAddress(toFilecoinAddress(address, 't')), getAddress(address));
  }
});

test('a wrong checksum, another protocol and other damage are typed errors', () => {
  const text = VECTORS[1]![1];
  for (const bad of [`${text.slice(0, -1)}x`, `${text.slice(0, -1)}i`, text.replace('2oek', '2oel'), 'f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za', text.slice(0, -1), text.toUpperCase(), '']) {
    assert.throws(() => fromFilecoinAddress(bad), { code: 'ADDRESSES_INVALID' }, bad);
  }
});
