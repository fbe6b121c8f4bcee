import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { extractVmlinux, unpackLz4Block } from './extract-vmlinux.ts';

/** A stream's magic number and its only block's size. */
const LEGACY = Buffer.from('02214c18'.concat(lz4Block().length.toString(16).padStart(2, '0'), '000000'), 'hex');

/** Seven literals, a match of 17 that overlaps itself at distance 3, ten literals. */
function lz4Block(): Buffer {
  return Buffer.concat([Buffer.from([0x7d]), Buffer.from('\x7fELFabc', 'latin1'), Buffer.from([3, 0]), Buffer.from([0xa0]), Buffer.from('0123456789')]);
}

const TEXT = `\x7fELFabc${'abc'.repeat(6).slice(0, 17)}0123456789`;

test('a block of literals and of matches that overlap themselves', () => {
  assert.equal(unpackLz4Block(lz4Block(), 100)!.toString('latin1'), TEXT);
});

test('lengths of 15 and more go on in further bytes', () => {
  const block = Buffer.concat([Buffer.from([0xf0, 255, 2]), Buffer.alloc(272, 'x')]);
  assert.equal(unpackLz4Block(block, 300)!.toString(), 'x'.repeat(272));
});

test('what is malformed or too large is refused', () => {
  for (const block of [[0x10], [0x00, 0, 0], [0x10, 65, 9, 0], [0xf0, 255]]) assert.equal(unpackLz4Block(Uint8Array.from(block), 100), undefined, String(block));
  assert.equal(unpackLz4Block(lz4Block(), 20), undefined);
});

test('the kernel within a bzImage is found, behind bytes that only look like one', () => {
  const image = Buffer.concat([Buffer.from('setup'), Buffer.from('02214c18ffffffff', 'hex'), Buffer.from('more'), LEGACY, lz4Block(), Buffer.alloc(8)]);
  assert.equal(extractVmlinux(image).toString('latin1'), TEXT);
  const elf = Buffer.from('\x7fELF whatever', 'latin1');
  assert.equal(extractVmlinux(elf), elf);
  assert.throws(() => extractVmlinux(Buffer.from('neither')), (error) => isError(error, 'GUEST_INVALID'));
});
