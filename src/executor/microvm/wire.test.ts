import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { decodeStrings, encodeFrame, encodeStrings, readFrames } from './wire.ts';

async function frames(bytes: Buffer, pieceBytes: number): Promise<[number, string][]> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const seen: [number, string][] = [];
  for await (const { type, payload } of readFrames(Readable.from(pieces), 100)) seen.push([type, payload.toString()]);
  return seen;
}

test('frames are found however the bytes are cut', async () => {
  const bytes = Buffer.concat([encodeFrame(1, Buffer.from('first')), encodeFrame(2), encodeFrame(3, Buffer.from('x'.repeat(99)))]);
  for (const size of [1, 2, 3, 5, 7, 50, 1000]) assert.deepEqual(await frames(bytes, size), [[1, 'first'], [2, ''], [3, 'x'.repeat(99)]]);
});

test('a frame that is empty or too long ends the conversation', async () => {
  for (const bytes of [Buffer.alloc(5), encodeFrame(1, Buffer.alloc(100)), Buffer.from('ffffffff01', 'hex')]) {
    await assert.rejects(frames(bytes, 3), (error) => isError(error, 'GUEST_MISBEHAVED'));
  }
});

test('an unfinished frame is never handed out', async () => {
  assert.deepEqual(await frames(encodeFrame(1, Buffer.from('first')).subarray(0, -1), 4), []);
});

test('strings are bytes, of any length and content', () => {
  const strings = ['', 'a\0b\n', 'äöü', Buffer.from([0xff, 0])];
  assert.deepEqual(decodeStrings(encodeStrings(strings)).map(String), strings.map(String));
  assert.deepEqual(decodeStrings(Buffer.alloc(0)), []);
  for (const cut of [1, 3, 5]) assert.throws(() => decodeStrings(encodeStrings(['abc']).subarray(0, cut)), (error) => isError(error, 'GUEST_MISBEHAVED'));
});
