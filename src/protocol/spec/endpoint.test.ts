import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import { isError } from '../base/errors.ts';

test('endpoints have one spelling', () => {
  for (const [text, canonical] of [
    ['Example.ORG:443', 'example.org:443'], ['example.org.:80', 'example.org:80'], ['192.0.2.1:1', '192.0.2.1:1'], ['[2001:DB8::1]:65535', '[2001:db8::1]:65535'],
    ['_dmarc.a-b.example:53', '_dmarc.a-b.example:53'], ['localhost:80', 'localhost:80'], ['[::ffff:192.0.2.1]:80', '[::ffff:192.0.2.1]:80'],
  ] as const) {
    const endpoint = parseEndpoint(text);
    assert.equal(formatEndpoint(endpoint), canonical);
    assert.deepEqual(parseEndpoint(canonical), endpoint);
  }
});

test('other spellings of addresses, and what is no endpoint, are refused', () => {
  for (const text of [
    '', ':80', 'example.org', 'example.org:', 'example.org:0', 'example.org:65536', 'example.org:-1', 'example.org:80x', '127.1:80', '2130706433:80', '0x7f000001:80', '0x7f.1:80',
    '0177.0.0.1:80', '256.1.1.1:80', '::1:80', '[fe80::1%eth0]:80', '[]:80', '[example.org]:80', 'a b:80', 'user@example.org:80', 'example.org/x:80', '-a.org:80', 'a..b:80', '*:80',
    'http://example.org:80', 'exämple.org:80', `${'a'.repeat(64)}.org:80`, 'a\0b:80', 'a\r\nb:80',
  ]) assert.throws(() => parseEndpoint(text), (error) => isError(error, 'ENDPOINT_INVALID'), text);
});
