import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as cborg from 'cborg';
import * as fc from 'fast-check';
import { isError } from '../protocol/base/errors.ts';
import { decodeEvidence, encodeEvidence, evidenceDigest } from './encode-evidence.ts';
import type { EvidenceErrorCode } from './errors.ts';
import { anyTrace, runEvidence, runProfile, runTrace } from './test-support/run.ts';

const throws = (code: EvidenceErrorCode, run: () => unknown) => assert.throws(run, (error) => isError(error, code) || assert.fail(String(error)));
const tamper = (edit: (value: any) => void): Uint8Array => {
  const value = cborg.decode(encodeEvidence(runEvidence()));
  edit(value);
  return cborg.encode(value);
};

describe('encodeEvidence', () => {
  it('comes back as it was, for every trace', () => fc.assert(fc.property(anyTrace, (trace) => {
    const evidence = runEvidence(trace, runProfile());
    assert.deepEqual(decodeEvidence(encodeEvidence(evidence)), evidence);
  })));

  it('has what the job reached of the network, where it had one', () => {
    const evidence = runEvidence();
    const network = { allowed: ['a.example:443', '[2001:db8::1]:80'], used: [{ endpoint: 'a.example:443', connections: 2, sentBytes: 10, receivedBytes: 2 ** 40 }], refused: 3 };
    const connected = { ...evidence, environment: { ...evidence.environment, network } };
    assert.deepEqual(decodeEvidence(encodeEvidence(connected)), connected);
    assert.notEqual(evidenceDigest(encodeEvidence(connected)), evidenceDigest(encodeEvidence(evidence)));
    for (const wrong of [{ ...network, refused: -1 }, { ...network, used: [{ endpoint: 'a.example:443' }] }, { ...network, extra: 1 }, { ...network, allowed: Array.from({ length: 17 }, (_, i) => `a:${i + 1}`) }]) {
      throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.environment.network = wrong; })));
    }
  });

  it('is deterministic, whatever the order of keys', () => {
    const evidence = runEvidence();
    const reversed = Object.fromEntries(Object.entries(evidence).reverse()) as unknown as typeof evidence;
    assert.equal(evidenceDigest(encodeEvidence(reversed)), evidenceDigest(encodeEvidence(evidence)));
    assert.deepEqual(encodeEvidence(decodeEvidence(encodeEvidence(evidence))), encodeEvidence(evidence));
  });

  it('refuses a trace that no sampler can have written, before it is signed', () => {
    const trace = runTrace({ samples: 5 });
    trace.channels.readBytes![3] = 0;
    throws('TRACE_INVALID', () => encodeEvidence(runEvidence(trace)));
  });
});

describe('decodeEvidence', () => {
  it('refuses what is not CBOR, not evidence, or cut short', () => {
    const bytes = encodeEvidence(runEvidence());
    for (const junk of [new Uint8Array(), Uint8Array.of(0xff), new Uint8Array(1000).fill(0x81), bytes.subarray(0, -1), cborg.encode([]), cborg.encode(null), Uint8Array.from([...bytes, 0])]) {
      throws('EVIDENCE_MALFORMED', () => decodeEvidence(junk));
    }
  });

  it('refuses any single damaged byte or decodes it to valid evidence', () => {
    const bytes = encodeEvidence(runEvidence(runTrace({ samples: 20 })));
    fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = bytes.slice();
      damaged[at]! ^= flip;
      try {
        decodeEvidence(damaged);
      } catch (error) {
        assert.ok(isError(error, 'EVIDENCE_MALFORMED', 'TRACE_INVALID', 'PROFILE_INVALID', 'VERSION_UNKNOWN', 'EVIDENCE_TOO_LARGE'), String(error));
      }
    }), { numRuns: 300 });
  });

  it('names a later version', () => throws('VERSION_UNKNOWN', () => decodeEvidence(tamper((value) => { value.version = 3; }))));

  it('refuses unknown fields, wrong lengths and false claims', () => {
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.extra = 1; })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.node = new Uint8Array(19); })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.resultCid = 'not a cid'; })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.encryptedResultCid = 'not a cid'; })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.trace.samples = 10_000_000; })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.trace.samples = 10_000_001; })));
    throws('EVIDENCE_MALFORMED', () => decodeEvidence(tamper((value) => { value.sketch = new Uint8Array(257); })));
    throws('TRACE_INVALID', () => decodeEvidence(tamper((value) => { value.trace.channels.nonsense = value.trace.t; })));
    throws('PROFILE_INVALID', () => decodeEvidence(tamper((value) => { value.profile.bytes = 0; })));
  });

  it('names the file of an encrypted result, where there is one', () => {
    const evidence = runEvidence(runTrace(), runProfile(), { encryptedResultCid: 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4' });
    assert.deepEqual(decodeEvidence(encodeEvidence(evidence)), evidence);
    assert.equal('encryptedResultCid' in decodeEvidence(encodeEvidence(runEvidence())), false);
  });

  it('holds an hour at 20 ms in less than a message', () => {
    const evidence = runEvidence(runTrace({ samples: 180_000 }));
    const bytes = encodeEvidence(evidence);
    assert.ok(bytes.length < 8e6, `${bytes.length} bytes`);
    assert.equal(decodeEvidence(bytes).trace.t.length, 180_000);
  });
});
