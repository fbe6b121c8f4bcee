import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { claimProject, forgetProject, projectQuotaOf } from './project-quota.ts';

const mount = (place: string, type: string, options: string) => `36 35 8:1 / ${place} rw,noatime shared:1 - ${type} /dev/sda1 ${options}\n`;
const ROOT = mount('/', 'ext4', 'rw,errors=remount-ro');
const of = (directory: string, mounts: string, tools = true) => projectQuotaOf(directory, mounts, () => tools);

test('finds the file system of a folder, and whether it keeps project quotas', () => {
  assert.equal(of('/srv/jobs/engine', ROOT + mount('/srv/jobs', 'xfs', 'rw,attr2,prjquota')), '/srv/jobs');
  assert.equal(of('/srv/jobs', mount('/srv/jobs', 'ext4', 'rw,quota,prjquota') + ROOT), '/srv/jobs', 'in any order');
  assert.equal(of('/srv/jobs-2', ROOT + mount('/srv/jobs', 'ext4', 'rw,prjquota')), undefined, 'a neighbour of like name');
  assert.equal(of('/srv/jobs', ROOT + mount('/srv/jobs', 'ext4', 'rw,usrquota')), undefined, 'quotas of users are none of projects');
  assert.equal(of('/srv/jobs', ROOT + mount('/srv/jobs', 'tmpfs', 'rw,prjquota')), undefined);
  assert.equal(of('/srv/jobs', ROOT + mount('/srv/jobs', 'ext4', 'rw,prjquota') + mount('/srv/jobs', 'ext4', 'rw')), undefined, 'what lies over it counts');
  assert.equal(of('/srv/a b', ROOT + mount('/srv/a\\040b', 'ext4', 'rw,prjquota')), '/srv/a b');
  assert.equal(of('/srv/jobs', ROOT + mount('/srv/jobs', 'ext4', 'rw,prjquota'), false), undefined, 'without the tools for it');
});

test('a run on a file system without quotas has no project, and none to forget', async () => {
  const run = mkdtempSync(path.join(tmpdir(), 'gadus-project-'));
  try {
    if (projectQuotaOf(run) === undefined) assert.throws(() => claimProject(run), (error) => isError(error, 'SCRATCH_FAILED'));
    await forgetProject(run);
  } finally {
    rmSync(run, { recursive: true });
  }
});
