import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupLayout } from '../cgroup/layout.ts';
import { ROOTLESS_IDS } from '../constants.ts';
import { whyNotDelegated } from './delegate.ts';
import { subordinateIds } from './enter.ts';
import { mappedIds, outsideUser } from './user-namespace.ts';

const maps = (uid: string, gid = uid) => (file: string) => (file.endsWith('uid_map') ? uid : gid);

test('tells the machine\'s own ids from those of a user namespace', () => {
  assert.equal(mappedIds(maps('         0          0 4294967295\n')), 2 ** 32 - 1);
  const rootless = maps('         0       1000          1\n         1     100000      65536\n');
  assert.equal(mappedIds(rootless), 65_537);
  assert.equal(outsideUser(rootless), 1000);
  assert.equal(mappedIds(maps('0 1000 1\n1 100000 65536', '0 1000 1')), 1, 'the fewer of users and groups');
  assert.equal(mappedIds(maps('1 100000 65536\n0 1000 1')), 65_537, 'in any order');
  assert.equal(mappedIds(maps('0 1000 1\n5 100000 65536')), 1, 'what comes after a gap does not count');
  assert.equal(mappedIds(() => { throw new Error('ENOENT'); }), 2 ** 32 - 1, 'no Linux, no namespace');
});

test('finds a user\'s subordinate ids by name or number', () => {
  const text = 'ann:100000:65536\n1001:200000:1000\nann:300000:10\n# bob:1:9999999\nbob:x:y\n';
  assert.equal(subordinateIds(text, 'ann', 1000), 65_536);
  assert.equal(subordinateIds(text, 'carl', 1001), 1000);
  assert.ok(subordinateIds(text, 'carl', 1001) < ROOTLESS_IDS);
  assert.equal(subordinateIds(text, 'bob', 1002), 0);
  assert.equal(subordinateIds('', 'ann', 1000), 0);
});

test('says why there can be no groups for jobs', () => {
  const v1: CgroupLayout = { version: 'v1', controllers: new Map() };
  for (const layout of [undefined, v1, { ...v1, version: 'hybrid', unified: '/sys/fs/cgroup/unified' } as const]) {
    const lack = whyNotDelegated(layout);
    assert.match(lack!.what, /version 2/);
    assert.notEqual(lack!.remedy, '');
  }
  const elsewhere = whyNotDelegated({ version: 'v2', controllers: new Map(), unified: '/nowhere' });
  assert.match(elsewhere!.what, /not delegated/);
  assert.match(elsewhere!.remedy, /Delegate/);
});
