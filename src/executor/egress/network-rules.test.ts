import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError, parseEndpoint, parseJobSpec } from '../../protocol/index.ts';
import { grantedEndpoints, isNetworkPattern, permits, type NetworkRules } from './network-rules.ts';

const rules = (allow: string[]): NetworkRules => ({ allow, maxBytes: 1, maxConnections: 1 });
const spec = (...allow: string[]) => parseJobSpec({ command: ['x'], network: { allow } });

test('patterns name a host, all below one, or any; and a port or any', () => {
  const may = (pattern: string, endpoint: string) => permits([pattern], parseEndpoint(endpoint));
  for (const [pattern, endpoint] of [['*', 'a:1'], ['*:443', 'a.b:443'], ['a.b', 'a.b:7'], ['A.b:7', 'a.B:7'], ['*.b:7', 'a.b:7'], ['*.b', 'c.a.b:9'], ['[2001:db8::1]:7', '[2001:db8::1]:7']] as const) {
    assert.ok(isNetworkPattern(pattern), pattern);
    assert.ok(may(pattern, endpoint), `${pattern} ${endpoint}`);
  }
  for (const [pattern, endpoint] of [['*:443', 'a:80'], ['a.b', 'xa.b:7'], ['*.b', 'b:7'], ['*.b', 'ab:7'], ['a.b:7', 'a.b:8'], ['*.b', 'a.b.c:7']] as const) {
    assert.ok(!may(pattern, endpoint), `${pattern} ${endpoint}`);
  }
  for (const pattern of ['', ':', 'a b', 'a:x', 'a:0', 'a*b:7', '*.*:7', 'http://a:80', '*.:1']) assert.ok(!isNetworkPattern(pattern), pattern);
});

test('a job gets what it asks for where the operator permits all of it, or nothing at all', () => {
  assert.deepEqual(grantedEndpoints({ network: 'none' }, 'wasm', undefined), []);
  assert.deepEqual(grantedEndpoints(spec('a.org:443', 'b.org:80'), 'container', rules(['*:443', 'b.org'])), [{ host: 'a.org', port: 443 }, { host: 'b.org', port: 80 }]);
  assert.equal(grantedEndpoints(spec('a.org:443'), 'microvm', rules(['*'])).length, 1);
  for (const run of [
    () => grantedEndpoints(spec('a.org:443', 'b.org:81'), 'container', rules(['*:443', 'b.org:80'])),
    () => grantedEndpoints(spec('a.org:443'), 'container', undefined),
    () => grantedEndpoints(spec('a.org:443'), 'container', rules([])),
    () => grantedEndpoints(spec('a.org:443'), 'wasm', rules(['*'])),
  ]) assert.throws(run, (error) => isError(error, 'NETWORK_REFUSED'));
});
