import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, getAddress, hashTypedData as viemHash, type Hex, type TypedDataDefinition } from 'viem';
import { hashTypedData } from './hash-typed-data.ts';
import { courtDomain, statementTypes } from './statements.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((value) => bytesToHex(value));
const address = bytes(20).chain((plain) => fc.constantFrom<Hex>(plain, getAddress(plain)));

/** Values of a type, right ones and such as are out of its range. */
const valueOf = (type: string): fc.Arbitrary<unknown> => {
  if (type === 'string') return fc.string({ unit: 'grapheme' });
  if (type === 'address') return fc.oneof({ weight: 20, arbitrary: address }, { weight: 1, arbitrary: fc.constantFrom('0x12', `0x${'aB'.repeat(20)}`) });
  const bits = Number(type.replace(/\D/g, ''));
  if (type.startsWith('bytes')) return fc.oneof({ weight: 20, arbitrary: bytes(bits) }, { weight: 1, arbitrary: bytes(bits - 1) });
  const right = bits <= 32 ? fc.nat({ max: 2 ** bits - 1 }) : fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: fc.constantFrom(-1, 2n ** BigInt(bits)) });
};

for (const [primaryType, fields] of Object.entries(statementTypes)) {
  test(`${primaryType} hashes as viem hashes it, and what viem refuses is refused`, () => fc.assert(fc.property(
    fc.record(Object.fromEntries(fields.map(({ name, type }) => [name, valueOf(type)]))), address, fc.nat(), (message, scheduler, chainId) => {
      const data = { domain: courtDomain({ chainId, scheduler }), types: statementTypes, primaryType, message } as unknown as TypedDataDefinition;
      let expected: Hex | undefined;
      try { expected = viemHash(data); } catch { /* It is refused. */ }
      if (expected === undefined) assert.throws(() => hashTypedData(data));
      else assert.equal(hashTypedData(data), expected);
    },
  ), { numRuns: 60 }));
}

test('nested structures, arrays and other domains are left to viem', () => {
  const data = {
    domain: { name: 'x', salt: `0x${'11'.repeat(32)}` }, primaryType: 'Mail',
    types: { Mail: [{ name: 'to', type: 'Person[]' }, { name: 'text', type: 'bytes' }], Person: [{ name: 'name', type: 'string' }] },
    message: { to: [{ name: 'a' }, { name: 'b' }], text: '0x1234' },
  } as unknown as TypedDataDefinition;
  assert.equal(hashTypedData(data), viemHash(data));
  const flat = { ...data, types: { Mail: [{ name: 'text', type: 'string' }] }, message: { text: 'é' } } as unknown as TypedDataDefinition;
  assert.equal(hashTypedData(flat), viemHash(flat));
});
