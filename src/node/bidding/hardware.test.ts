import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mismatch, ownArch } from './hardware.ts';

test('a job gets the machines it asks for: any, of an architecture, of a class', () => {
  const machine = { arch: 'amd64', class: 'epyc-7003' };
  for (const requires of [{}, { arch: 'amd64' as const }, { class: 'epyc-7003' }, { arch: 'amd64' as const, class: 'epyc-7003' }]) assert.equal(mismatch(requires, machine), undefined);
  assert.match(mismatch({ arch: 'arm64' }, machine)!, /asks for arm64, this node is amd64/);
  assert.match(mismatch({ class: 'epyc-9004' }, machine)!, /class epyc-9004/);
  assert.match(mismatch({ class: 'epyc-9004' }, { arch: 'amd64' })!, /of none/);
});

test('the architecture is named as in OCI images', () => {
  assert.ok(['amd64', 'arm64'].includes(ownArch()), ownArch());
});
