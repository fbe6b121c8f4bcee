import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditBpsFor, parseJobSpec, secretHashOf, type JobSpecInput } from '../../protocol/index.ts';
import { auditBpsOf, prepareJob, secretOf } from './prepare-job.ts';

const chanceOf = (verification: NonNullable<JobSpecInput['verification']>, payment?: JobSpecInput['payment']) => auditBpsOf(parseJobSpec({ command: ['true'], verification, ...(payment && { payment }) }));

test('one replica is checked as often as makes cheating lose, unless the spec says otherwise', () => {
  assert.equal(chanceOf({ replicas: 1 }), auditBpsFor({ price: 1n, stake: 5n, score: 0 }));
  assert.equal(chanceOf({ replicas: 1 }), chanceOf({ replicas: 1, audit: 'auto' }));
  assert.equal(chanceOf({ replicas: 1, audit: 0 }), 0);
  assert.equal(chanceOf({ replicas: 1, audit: 0.25 }), 2500);
  // The more there is to lose, the seldomer.
  assert.ok(chanceOf({ replicas: 1 }, { maxPrice: '1', stake: '40' }) < chanceOf({ replicas: 1 }) / 5);
  assert.ok(chanceOf({ replicas: 1, minScoreBps: 9000 }) < chanceOf({ replicas: 1 }));
});

test('several replicas are compared anyway, and by policy none nothing is', () => {
  assert.equal(chanceOf({ replicas: 2 }), 0);
  assert.equal(chanceOf({ replicas: 1, policy: 'none' }), 0);
});

test('the request binds the chance', async () => {
  const spec = parseJobSpec({ command: ['true'], verification: { replicas: 1 } });
  const { request, seed, auditBps } = await prepareJob(`0x${'11'.repeat(20)}`, spec, { assign: 1, commitMargin: 1, settle: 1, dispute: 1 });
  assert.equal(request.secretHash, secretHashOf(secretOf(seed), auditBps));
  assert.notEqual(request.secretHash, secretHashOf(secretOf(seed), 0));
});
