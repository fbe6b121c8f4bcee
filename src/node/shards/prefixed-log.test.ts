import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prefixedLog } from './prefixed-log.ts';

test('whole lines with the prefix, however the log was cut; the last one gets its end', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', 'd\ne', '\n\n', 'ü'), { maxLength: 20 }), (pieces) => {
    const out: string[] = [];
    const log = prefixedLog('0007 ', (stream, data) => { out.push(Buffer.from(data).toString()); assert.equal(stream, 'stdout'); });
    for (const piece of pieces) log.write('stdout', Buffer.from(piece));
    log.end();
    const text = pieces.join('');
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
    assert.equal(out.join(''), lines.map((line) => `0007 ${line}\n`).join(''));
  }));
});

test('streams are kept apart, and a line without an end does not grow for ever', () => {
  const out: [string, number][] = [];
  const log = prefixedLog('> ', (stream, data) => out.push([stream, data.length]));
  log.write('stdout', Buffer.from('half'));
  log.write('stderr', Buffer.from('whole\n'));
  assert.deepEqual(out, [['stderr', 8]]);
  for (let i = 0; i < 100; i++) log.write('stderr', Buffer.alloc(10_000, 'x'));
  assert.ok(out.length > 10);
});
