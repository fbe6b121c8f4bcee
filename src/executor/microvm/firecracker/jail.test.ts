import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { CgroupLayout } from '../../cgroup/layout.ts';
import { jailId, planJail, removeJailGroups } from './jail.ts';

const init = { name: 'run', directory: '/state/run', memoryBytes: 128 * 1024 ** 2, vcpus: 2, disks: [] };
const v2: CgroupLayout = { version: 'v2', controllers: new Map(), unified: '/sys/fs/cgroup' };
const SCOPE = '/gadus.slice/gadus-0123-45-0.scope';

/** The jailer's words for control groups (its docs/jailer.md): version, parent, and the limits' files. */
function groupWords(layout: CgroupLayout | undefined): { version?: string; parent?: string; files: string[] } {
  const { args } = planJail(init, '/opt/firecracker', layout);
  const after = (word: string) => args.flatMap((arg, i) => (arg === word ? [args[i + 1]!] : []));
  const [version, parent] = [after('--cgroup-version')[0], after('--parent-cgroup')[0]];
  assert.ok(args.indexOf('--') > args.lastIndexOf('--cgroup'), 'what follows -- is the monitor\'s');
  return { ...(version && { version }), ...(parent && { parent }), files: after('--cgroup').map((limit) => limit.split('=')[0]!) };
}

test('a monitor\'s group is below the keeper\'s scope where there is one, else in the root of the tree', () => {
  const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max'];
  assert.deepEqual(groupWords({ ...v2, base: SCOPE }), { version: '2', parent: `${SCOPE.slice(1)}/gadus-vm`, files });
  for (const layout of [v2, { ...v2, base: '/' }]) assert.deepEqual(groupWords(layout), { version: '2', parent: 'gadus-vm', files });
  const v1: CgroupLayout = { version: 'hybrid', controllers: new Map([['memory', '/sys/fs/cgroup/memory']]), unified: '/sys/fs/cgroup/unified' };
  assert.deepEqual(groupWords(v1), { version: '1', parent: 'gadus-vm', files: ['memory.limit_in_bytes', 'cpu.cfs_period_us', 'cpu.cfs_quota_us', 'pids.max'] });
  assert.deepEqual(groupWords(undefined), { files: [] });
});

test('the jailer takes the parent: a path from the root of the tree, without its slash, and without steps up or in place', () => {
  for (const base of [SCOPE, '/', '/a/b', '/docker/0123/gadus.slice/x.scope']) {
    const { parent } = groupWords({ ...v2, base });
    assert.ok(!parent!.split('/').some((part) => ['', '.', '..'].includes(part)), parent);
  }
});

test('a monitor\'s group is removed from where it was made, and no other', async (t) => {
  const unified = mkdtempSync(path.join(tmpdir(), 'gadus-tree-'));
  t.after(() => rmSync(unified, { recursive: true }));
  const at = (base: string, name: string) => path.join(unified, base, 'gadus-vm', jailId(name));
  const groups = [at(SCOPE, 'run'), at(SCOPE, 'other'), at('', 'run')] as const;
  for (const group of groups) mkdirSync(group, { recursive: true });
  await removeJailGroups({ ...v2, unified, base: SCOPE }, jailId('run'));
  assert.deepEqual(groups.map((group) => existsSync(group)), [false, true, true]);
  await removeJailGroups({ ...v2, unified }, jailId('run'));
  assert.deepEqual(groups.map((group) => existsSync(group)), [false, true, false]);
  await removeJailGroups(undefined, jailId('other'));
});
