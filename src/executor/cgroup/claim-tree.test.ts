import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { claimTree } from './claim-tree.ts';
import { divideGroup } from './divide-group.ts';

/** A folder with a group's files in it. */
function group(controllers: string, processes: number[], body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'gadus-group-'));
  try {
    writeFileSync(join(directory, 'cgroup.controllers'), `${controllers}\n`);
    writeFileSync(join(directory, 'cgroup.procs'), processes.map((pid) => `${pid}\n`).join(''));
    body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('says which controllers a tree lacks, and where there is none', () => {
  const of = (unified: string, version: 'v1' | 'v2' = 'v2') => claimTree({ version, controllers: new Map(), unified });
  group('io pids', [], (directory) => {
    assert.match(of(directory)!.what, /have no cpu, memory$/);
    assert.equal(of(directory, 'v1'), undefined);
  });
  group('cpu io memory pids', [], (directory) => assert.equal(of(directory), undefined));
  assert.match(of('/nowhere')!.what, /no control groups can be made/);
});

test('divides a group: its processes go below, and what is there of the controllers is handed on', () => {
  group('cpuset cpu memory pids', [7, 0, 9], (directory) => {
    // One file takes one process after another, as a group's does not: the last is seen.
    assert.deepEqual(divideGroup(directory), ['cpu', 'memory', 'pids']);
    assert.equal(readFileSync(join(directory, 'gadus-main/cgroup.procs'), 'utf8'), '9');
    assert.equal(readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8'), '+cpu +memory +pids');
    divideGroup(directory, [5]);
    assert.equal(readFileSync(join(directory, 'gadus-main/cgroup.procs'), 'utf8'), '5');
  });
  group('', [], (directory) => {
    mkdirSync(join(directory, 'gadus-main'));
    assert.deepEqual(divideGroup(directory), []);
    assert.ok(!existsSync(join(directory, 'gadus-main/cgroup.procs')));
  });
});
