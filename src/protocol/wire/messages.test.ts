import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cborg from 'cborg';
import fc from 'fast-check';
import { isError } from '../base/errors.ts';
import { ack, announcement, bidMessage, commitmentMessage, decodeMessage, encodeMessage, evidenceResponse, logChunk, statusRequest } from './messages.ts';

const hex = (bytes: number) => `0x${'ab'.repeat(bytes)}` as const;
const bid = { jobId: hex(32), node: hex(20), price: 10n ** 18n, locality: 5000, possession: hex(16), seed: hex(32), round: 1, signature: hex(65) };

test('messages survive the wire, amounts beyond 64 bits included', () => {
  const sent = { bid: { ...bid, price: 2n ** 87n }, addrs: ['/ip4/127.0.0.1/tcp/1'] };
  assert.deepEqual(decodeMessage(bidMessage, encodeMessage(bidMessage, sent)), sent);
  const chunk = { stream: 'stdout' as const, data: new Uint8Array([1, 2, 3]) };
  assert.deepEqual(decodeMessage(logChunk, encodeMessage(logChunk, chunk)), chunk);
});

test('malformed messages are typed errors', () => {
  const wrong: unknown[] = [
    null, 1, 'x', [], {}, { bid }, { bid: { ...bid, price: -1 }, addrs: [] }, { bid: { ...bid, locality: 10_001 }, addrs: [] }, { bid: { ...bid, possession: hex(32) }, addrs: [] }, { bid: { ...bid, round: 2 }, addrs: [] },
    { bid: { ...bid, node: '0x12' }, addrs: [] }, { bid: { ...bid, price: '1'.repeat(40) }, addrs: [] }, { bid: { ...bid, price: '1', extra: 1 }, addrs: [] },
  ];
  for (const value of wrong) {
    assert.throws(() => decodeMessage(bidMessage, cborg.encode(portable(value))), (error) => isError(error, 'MESSAGE_INVALID'));
  }
});

test('no bytes make a decoder throw anything but a typed error', () => {
  for (const type of [announcement, bidMessage, commitmentMessage, evidenceResponse, logChunk, statusRequest, ack]) {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeMessage(type as typeof ack, bytes);
      } catch (error) {
        assert.ok(isError(error, 'MESSAGE_INVALID', 'MESSAGE_TOO_LARGE'), String(error));
      }
    }), { numRuns: 200 });
  }
});

test('oversized messages are refused on both sides', () => {
  assert.throws(() => decodeMessage(ack, new Uint8Array(2000)), (error) => isError(error, 'MESSAGE_TOO_LARGE'));
  assert.throws(() => encodeMessage(statusRequest, { cids: Array.from({ length: 400 }, () => 'b'.repeat(100)) }), (error) => isError(error, 'MESSAGE_TOO_LARGE'));
});

/** The broken messages as a stranger would put them on the wire. */
function portable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v)));
}
