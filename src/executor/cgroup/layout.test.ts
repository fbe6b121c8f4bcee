import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountsSwap } from '../container/prepare-run.ts';
import { parseMemoryKills } from './group.ts';
import { cgroupFiles, cgroupLayout, parseCgroupLayout, unescapeMount } from './layout.ts';

const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
const V1 = [
  '31 23 0:27 / /sys/fs/cgroup ro,nosuid shared:4 - tmpfs tmpfs ro,mode=755',
  '32 31 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:5 - cgroup cgroup rw,xattr,name=systemd',
  '33 31 0:29 / /sys/fs/cgroup/memory rw,nosuid shared:6 - cgroup cgroup rw,memory',
  '34 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:7 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:31 / /sys/fs/cgroup/pids rw,nosuid shared:8 - cgroup cgroup rw,pids',
].join('\n');
const HYBRID = `${V1}\n36 31 0:32 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n`;

test('tells v1, v2 and hybrid apart', () => {
  assert.equal(parseCgroupLayout(V2)?.version, 'v2');
  assert.equal(parseCgroupLayout(V1)?.version, 'v1');
  assert.equal(parseCgroupLayout(HYBRID)?.version, 'hybrid');
  assert.equal(parseCgroupLayout(''), undefined);
  assert.equal(parseCgroupLayout(V1.replace(/rw,memory/, 'rw,hugetlb')), undefined);
});

test('names the files of a v2 group', () => {
  const files = cgroupFiles(parseCgroupLayout(V2)!, 'g');
  assert.deepEqual(files.directories, ['/sys/fs/cgroup/g']);
  assert.equal(files.cpu, '/sys/fs/cgroup/g/cpu.stat');
  assert.deepEqual(files.limits({ cpus: 0.5, memoryBytes: 1e6, processes: 9 }), [
    ['/sys/fs/cgroup/g/memory.max', '1000000'], ['/sys/fs/cgroup/g/memory.swap.max', '0'],
    ['/sys/fs/cgroup/g/pids.max', '9'], ['/sys/fs/cgroup/g/cpu.max', '50000 100000'],
  ]);
});

test('names the files of a v1 group, one directory for controllers mounted together', () => {
  const files = cgroupFiles(parseCgroupLayout(HYBRID)!, 'g');
  assert.deepEqual(files.directories, ['systemd', 'memory', 'cpu,cpuacct', 'pids', 'unified'].map((name) => `/sys/fs/cgroup/${name}/g`));
  assert.equal(files.cpu, '/sys/fs/cgroup/cpu,cpuacct/g/cpuacct.usage');
  assert.deepEqual(files.limits({ cpus: 0.001, memoryBytes: 1e6, processes: 9 }).map(([file, value]) => `${file.split('/').pop()} ${value}`), [
    'memory.limit_in_bytes 1000000', 'memory.memsw.limit_in_bytes 1000000', 'pids.max 9', 'cpu.cfs_quota_us 1000',
  ]);
});

test('reads kill counts of both versions', () => {
  assert.equal(parseMemoryKills('oom_kill_disable 0\nunder_oom 0\noom_kill 3\n'), 3);
  assert.equal(parseMemoryKills('low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n'), 1);
  assert.equal(parseMemoryKills(''), 0);
});

test('unescapes mount points', () => {
  assert.equal(unescapeMount('/a\\040b\\134c\\011'), '/a b\\c\t');
});

test('reads this machine', () => {
  const layout = cgroupLayout();
  if (layout) assert.equal(typeof accountsSwap(layout), 'boolean');
});
