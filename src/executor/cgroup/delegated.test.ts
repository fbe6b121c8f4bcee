import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDelegated } from './delegated.ts';
import type { CgroupLayout } from './layout.ts';

const v2: CgroupLayout = { version: 'v2', controllers: new Map(), unified: '/sys/fs/cgroup' };
const own = '/user.slice/user-1000.slice/user@1000.service/app';
const files = (controllers: string) => (file: string): string => {
  if (file === '/proc/self/cgroup') return `0::${own}\n`;
  if (file === `/sys/fs/cgroup${own}/cgroup.controllers`) return `${controllers}\n`;
  throw new Error(`ENOENT ${file}`);
};

test('control groups are delegated where all that limits need is there, and may be written to', () => {
  assert.equal(isDelegated(v2, files('cpuset cpu io memory pids'), () => true), true);
  assert.equal(isDelegated(v2, files('memory pids'), () => true), false, 'systemd delegates no more than these two by default');
  assert.equal(isDelegated(v2, files('cpu memory pids'), (file) => !file.endsWith('cgroup.procs')), false);
  assert.equal(isDelegated(v2, () => '', () => true), false);
  assert.equal(isDelegated(v2, () => { throw new Error('ENOENT'); }, () => true), false);
  assert.equal(isDelegated({ ...v2, version: 'hybrid' }, files('cpu memory pids'), () => true), false);
});
