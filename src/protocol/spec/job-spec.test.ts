import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeSpec, encodeSpec, specDigest } from './canonical.ts';
import { isError } from '../base/errors.ts';
import { parseJobSpec, type JobSpecInput } from './job-spec.ts';

const CID = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi';
/** SHA-256 of the canonical form: a change here changes the id of every job. */
const GOLDEN = '0xf1916122b7fa9bd007c6a897295376d0e28ba3e3581797d69638975d0526287b';
const minimal: JobSpecInput = { command: ['true'] };

/** The details of the error that a spec gives. */
function problem(spec: unknown): string {
  try {
    parseJobSpec(spec);
  } catch (error) {
    assert.ok(isError(error, 'SPEC_INVALID'));
    return error.details ?? '';
  }
  return assert.fail('the spec should have been refused');
}

test('defaults are filled in, units become bytes and milliseconds', () => {
  const spec = parseJobSpec({ ...minimal, resources: { memoryBytes: '1GiB', timeoutMs: '90s' } });
  assert.equal(spec.resources.memoryBytes, 1024 ** 3);
  assert.equal(spec.resources.timeoutMs, 90_000);
  assert.equal(spec.verification.replicas, 3);
  assert.equal(spec.network, 'none');
});

test('every mistake names its field', () => {
  const cases: [unknown, RegExp][] = [
    [{}, /command/],
    [{ ...minimal, comand: ['x'] }, /comand/],
    [{ ...minimal, verification: { replicas: 0 } }, /verification\.replicas/],
    [{ ...minimal, verification: { replicas: 16 } }, /verification\.replicas/],
    [{ ...minimal, resources: { memoryBytes: '1 parsec' } }, /resources\.memoryBytes: "1 parsec" is not a size/],
    [{ ...minimal, resources: { memoryBytes: 1 } }, /resources\.memoryBytes: 1 is below/],
    [{ ...minimal, resources: { cpus: -1 } }, /resources\.cpus/],
    [{ ...minimal, inputs: [{ source: 'not-a-cid', target: '/x' }] }, /inputs\.0\.source: is not a CID/],
    [{ ...minimal, inputs: [{ source: CID, target: '../x' }] }, /inputs\.0\.target/],
    [{ ...minimal, inputs: [{ source: CID, target: '/a/../../etc' }] }, /inputs\.0\.target/],
    [{ ...minimal, inputs: [{ source: CID, target: '/proc/self' }] }, /inputs\.0\.target/],
    [{ ...minimal, inputs: [{ source: CID, target: '/x' }, { source: CID, target: '/x/y' }] }, /inputs\.1\.target: overlaps inputs\.0\.target/],
    [{ ...minimal, outputs: [{ name: 'stdout', path: '/out' }] }, /outputs\.0\.name: is reserved/],
    [{ ...minimal, outputs: [{ name: 'a', path: '/a' }, { name: 'a', path: '/b' }] }, /two outputs share a name/],
    [{ ...minimal, env: { '1X': 'y' } }, /env/],
    [{ ...minimal, network: 'host' }, /network/],
    [{ ...minimal, payment: { maxPrice: '-1' } }, /payment\.maxPrice/],
    [{ ...minimal, payment: { maxPrice: (1n << 88n).toString() } }, /payment\.maxPrice/],
    [null, /spec/],
    ['a string', /spec/],
  ];
  for (const [spec, expected] of cases) assert.match(problem(spec), expected);
});

test('the digest does not depend on the order of keys, nor on what was left to its default', () => {
  const a = parseJobSpec({ command: ['x'], env: { B: '2', A: '1' } });
  const b = parseJobSpec({ env: { A: '1', B: '2' }, command: ['x'], image: 'busybox' });
  assert.equal(specDigest(encodeSpec(a)), specDigest(encodeSpec(b)));
  assert.notEqual(specDigest(encodeSpec(a)), specDigest(encodeSpec({ ...a, command: ['y'] })));
});

test('golden digest of the smallest spec', () => {
  assert.equal(specDigest(encodeSpec(parseJobSpec(minimal))), GOLDEN);
});

test('encode and decode are inverse; what is not canonical is refused', () => {
  fc.assert(fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/), fc.string()), (command, env) => {
    const spec = parseJobSpec({ command, env });
    assert.deepEqual(decodeSpec(encodeSpec(spec)), spec);
  }));
  const spec = encodeSpec(parseJobSpec(minimal));
  const spaced = new TextEncoder().encode(` ${new TextDecoder().decode(spec)}`);
  assert.throws(() => decodeSpec(spaced), /canonical/);
  assert.throws(() => decodeSpec(new TextEncoder().encode('{"command":["true"]}')), /canonical/);
  assert.throws(() => decodeSpec(new Uint8Array([0xff, 0xfe])), /not JSON/);
  assert.throws(() => decodeSpec(new Uint8Array(70_000)), /too large/);
});

test('audits, panels and machines: said or left out, which leaves the digest as it was', () => {
  const { verification, requires } = parseJobSpec({ command: ['true'] });
  assert.deepEqual([verification.audit, verification.panel, requires], [undefined, undefined, undefined]);
  const said = parseJobSpec({ command: ['true'], verification: { replicas: 1, audit: 'auto', panel: false }, requires: { arch: 'arm64', class: 'graviton-4' } });
  assert.deepEqual([said.verification.audit, said.verification.panel, said.requires], ['auto', false, { arch: 'arm64', class: 'graviton-4' }]);
  for (const wrong of [{ verification: { audit: 1.5 } }, { verification: { audit: 'always' } }, { requires: { arch: 'mips' } }, { requires: { class: 'A B' } }]) {
    assert.throws(() => parseJobSpec({ command: ['true'], ...wrong }), { code: 'SPEC_INVALID' });
  }
});

test('an encrypted result: said or left out, which leaves the digest as it was; of shards too', () => {
  assert.equal('result' in parseJobSpec({ command: ['true'] }), false);
  const said = { command: ['true'], result: { encrypt: true } };
  assert.deepEqual(decodeSpec(encodeSpec(parseJobSpec(said))).result, { encrypt: true });
  for (const wrong of [{ result: { encrypt: 'yes' } }, { result: { encrypt: true, to: '0x12' } }]) {
    assert.throws(() => parseJobSpec({ ...said, ...wrong } as Parameters<typeof parseJobSpec>[0]), { code: 'SPEC_INVALID' });
  }
});
