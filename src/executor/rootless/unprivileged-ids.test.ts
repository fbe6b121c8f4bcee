import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMAGE_OWNER_ID, JOB_UID } from '../constants.ts';
import { jobId, monitorId } from './unprivileged-ids.ts';

test('runs differ in who they are; none is a person, a service, the images\' owner or a subordinate id of shadow\'s', () => {
  const ids = Array.from({ length: 200 }, (_, i) => [jobId(`run-${i}`), monitorId(`run-${i}`)]).flat();
  assert.equal(new Set(ids).size, ids.length);
  for (const id of [...ids, IMAGE_OWNER_ID]) assert.ok(Number.isInteger(id) && id > 600_100_000 && id < 2 ** 31 && id !== JOB_UID, String(id));
  assert.ok(!ids.includes(IMAGE_OWNER_ID));
  assert.equal(jobId('run-0'), ids[0]);
});
