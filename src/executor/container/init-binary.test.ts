import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStaticElf } from './init-binary.ts';

/** A minimal 64-bit ELF with one program header of the given type. */
function elf(type: number): Buffer {
  const bytes = Buffer.alloc(64 + 56);
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes[4] = 2;
  bytes[5] = 1;
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(type, 64);
  return bytes;
}

test('isStaticElf', () => {
  assert.equal(isStaticElf(elf(1)), true);
  assert.equal(isStaticElf(elf(3)), false);
  assert.equal(isStaticElf(elf(1).subarray(0, 66)), false);
  assert.equal(isStaticElf(Buffer.from('#!/bin/sh\n')), false);
});
