import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, keccak256, type Hex } from 'viem';
import { isAudited, JOB_STATES, PLAIN_TERMS, secretHashOf, type JobRequest } from '../../protocol/index.ts';
import { closedOnChain, whyMayBeAudited } from './commitments-closed.ts';
import type { ReplicaRecord } from '../replica-record.ts';

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytesToHex(bytes));

/** A replica that has committed to something. */
function replica(jobId: Hex, commitment: Hex, secretHash: Hex, change: Partial<JobRequest> = {}): ReplicaRecord {
  return { jobId, request: { ...PLAIN_TERMS, replicas: 1, policy: 0, secretHash, ...change }, outcome: { commitment } } as unknown as ReplicaRecord;
}

test('the evidence of an only replica goes out against the secret of a job that is not drawn, and against nothing else', () => {
  fc.assert(fc.property(word, word, word, fc.integer({ min: 0, max: 10_000 }), fc.constantFrom('Assigned' as const, 'Committed' as const), (secret, jobId, commitment, auditBps, state) => {
    const record = replica(jobId, commitment, secretHashOf(secret, auditBps));
    const now = { state, widening: 0 };
    assert.match(whyMayBeAudited(record, now, undefined)!, /show the secret/);
    assert.match(whyMayBeAudited(record, now, { secret: keccak256(secret), auditBps })!, /not the secret/);
    // A client that says the chance was another one shows another secret.
    assert.match(whyMayBeAudited(record, now, { secret, auditBps: (auditBps + 1) % 10_001 })!, /not the secret/);
    const why = whyMayBeAudited(record, now, { secret, auditBps });
    if (isAudited(secret, auditBps, jobId, commitment)) assert.match(why!, /drawn for a check/);
    else assert.equal(why, undefined);
  }));
});

test('once a job was widened, is past an audit, or has others to compare with, nobody needs the secret', () => {
  const hash = secretHashOf(keccak256('0x01'), 10_000);
  const record = replica('0x01', '0x02', hash);
  assert.equal(whyMayBeAudited(record, { state: 'Committed', widening: 1 }, undefined), undefined);
  assert.equal(whyMayBeAudited(record, { state: 'Committed', widening: 129 }, undefined), undefined);
  for (const state of ['Contestable', 'Contested', 'Settled'] as const) assert.equal(whyMayBeAudited(record, { state, widening: 0 }, undefined), undefined);
  assert.equal(whyMayBeAudited(replica('0x01', '0x02', hash, { replicas: 2 }), { state: 'Committed', widening: 0 }, undefined), undefined);
  assert.equal(whyMayBeAudited(replica('0x01', '0x02', hash, { policy: 2 }), { state: 'Committed', widening: 0 }, undefined), undefined);
});

test('a job that is being widened is not closed: its newcomers have yet to commit', () => {
  assert.deepEqual(JOB_STATES.filter(closedOnChain), ['Committed', 'Contestable', 'Contested', 'Settled']);
});
