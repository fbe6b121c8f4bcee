import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError, parseJobSpec, type JobSpecInput } from '../../protocol/index.ts';
import { bundleConfig, mountPoints } from './bundle.ts';
import { isWithin, planMounts } from './mount-plan.ts';
import { writeSkeleton } from './skeleton.ts';

describe('planMounts', () => {
  let directory: string;
  let rootfs: string;
  let input: string;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'gadus-plan-'));
    rootfs = path.join(directory, 'rootfs');
    mkdirSync(path.join(rootfs, 'app'), { recursive: true });
    mkdirSync(path.join(rootfs, 'etc'), { mode: 0o700 });
    writeFileSync(path.join(rootfs, 'app/main'), '');
    input = path.join(directory, 'input');
    writeFileSync(input, 'x');
    chmodSync(input, 0o644);
    chmodSync(directory, 0o755);
  });
  after(() => rmSync(directory, { recursive: true }));

  const plan = (spec: Partial<JobSpecInput>, targets: string[] = []) => planMounts({
    spec: parseJobSpec({ command: ['x'], ...spec }), rootfs, inputs: targets.map((target) => ({ path: input, target })),
  });

  test('puts work and outputs on slots of their own', () => {
    const { writable, outputs, workdir } = plan({});
    assert.deepEqual(writable, [{ slot: 'slot-0', target: '/outputs' }, { slot: 'slot-1', target: '/work' }]);
    assert.deepEqual(outputs, [{ name: 'outputs', slot: 'slot-0', below: '' }]);
    assert.equal(workdir, '/work');
  });

  test('takes an output below the working directory from there', () => {
    const { writable, outputs } = plan({ outputs: [{ name: 'o', path: '/work/a/b' }, { name: 'w', path: '/working' }] });
    assert.deepEqual(writable.map(({ target }) => target), ['/work', '/working']);
    assert.deepEqual(outputs[0], { name: 'o', slot: 'slot-0', below: 'a/b' });
  });

  test('keeps the image\'s files in sight below a working directory', () => {
    assert.deepEqual(plan({ workdir: '/app', outputs: [] }).writable, [{ slot: 'slot-0', target: '/app', lower: path.join(rootfs, 'app') }]);
  });

  test('leaves a working directory inside an input read-only', () => {
    const { writable } = planMounts({ spec: parseJobSpec({ command: ['x'], workdir: '/data/sub', outputs: [] }), rootfs, inputs: [{ path: directory, target: '/data' }] });
    assert.deepEqual(writable, []);
  });

  test('refuses an input that is absent, private or special', () => {
    const secret = path.join(directory, 'secret');
    writeFileSync(secret, '', { mode: 0o600 });
    for (const source of [secret, path.join(directory, 'absent'), '/dev/null']) {
      assert.throws(() => planMounts({ spec: parseJobSpec({ command: ['x'] }), rootfs, inputs: [{ path: source, target: '/a' }] }), (error) => isError(error, 'INPUT_UNREADABLE'));
    }
  });

  test('refuses the engine\'s own directory', () => {
    for (const target of ['/.gadus', '/.gadus/sh']) assert.throws(() => plan({}, [target]), (error) => isError(error, 'JOB_UNFIT'));
  });

  test('makes every mount point in a layer of its own, with the image\'s modes', () => {
    const layer = path.join(directory, 'layer');
    mkdirSync(layer);
    writeSkeleton(layer, rootfs, mountPoints(plan({}, ['/etc/deep/file', '/inputs/a'])));
    assert.equal(statSync(path.join(layer, 'etc')).mode & 0o777, 0o700);
    assert.equal(statSync(path.join(layer, 'etc/deep')).mode & 0o777, 0o755);
    assert.equal(statSync(path.join(layer, 'tmp')).mode & 0o7777, 0o1777);
    for (const file of ['etc/deep/file', 'inputs/a', '.gadus/sh']) assert.ok(statSync(path.join(layer, file)).isFile(), file);
    for (const folder of ['proc', 'dev', 'sys', 'work', 'outputs']) assert.ok(statSync(path.join(layer, folder)).isDirectory(), folder);
    assert.deepEqual(readdirSync(path.join(rootfs, 'etc')), []);
    assert.ok(!existsSync(path.join(rootfs, 'work')));
  });

  test('describes a container that may do nothing by itself', () => {
    const spec = parseJobSpec({ command: ['a', 'b'], env: { PATH: '/p', X: '1' }, resources: { memoryBytes: 1e8 } });
    const made = plan({}, ['/outer', '/work/inner']);
    const config = bundleConfig({
      spec, plan: made, limits: { cpus: 2, memoryBytes: 1e8, processes: 10 }, swap: true, cgroupsPath: '/g', initBinary: '/i', root: '/r', scratch: '/s', openFiles: 512,
    }) as { process: Record<string, unknown>; linux: Record<string, unknown>; root: unknown; mounts: { destination: string; options: string[] }[] };
    assert.deepEqual(config.process['capabilities'], { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] });
    assert.equal(config.process['noNewPrivileges'], true);
    assert.deepEqual((config.process['args'] as string[]).slice(-3), ['gadus', 'a', 'b']);
    assert.deepEqual(config.process['env'], ['PATH=/p', 'HOME=/work', 'X=1']);
    assert.deepEqual((config.process['rlimits'] as unknown[])[0], { type: 'RLIMIT_NOFILE', soft: 512, hard: 512 });
    assert.deepEqual((config.linux['namespaces'] as { type: string }[]).map(({ type }) => type), ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup']);
    assert.deepEqual((config.linux['resources'] as { memory: unknown }).memory, { limit: 1e8, swap: 1e8 });
    assert.deepEqual([config.linux['uidMappings'], config.linux['gidMappings']], [undefined, undefined]);
    const order = config.mounts.map(({ destination }) => destination);
    assert.ok(order.indexOf('/work') < order.indexOf('/work/inner'));
    for (const { destination, options } of config.mounts.filter((mount) => ['/outer', '/work/inner', '/.gadus/sh'].includes(mount.destination))) assert.ok(options.includes('ro'), destination);
  });

  test('maps two ids of this machine into a user namespace, neither of them its root', () => {
    const { linux } = bundleConfig({
      spec: parseJobSpec({ command: ['a'] }), plan: plan({}, []), limits: { cpus: 2, memoryBytes: 1e8, processes: 10 }, swap: true, cgroupsPath: '/g', initBinary: '/i', root: '/r', scratch: '/s', openFiles: 512, user: 1_400_000_000,
    }) as { linux: { namespaces: { type: string }[]; uidMappings: { containerID: number; hostID: number; size: number }[]; gidMappings: unknown } };
    assert.ok(linux.namespaces.some(({ type }) => type === 'user'));
    assert.deepEqual(linux.uidMappings.map(({ containerID, size }) => [containerID, size]), [[0, 1], [65_534, 1]]);
    assert.ok(linux.uidMappings.every(({ hostID }) => hostID > 600_100_000));
    assert.deepEqual(linux.gidMappings, linux.uidMappings);
  });
});

test('isWithin', () => {
  for (const [inner, outer, expected] of [['/a', '/a', true], ['/a/b', '/a', true], ['/ab', '/a', false], ['/a', '/a/b', false], ['/a', '/', true]] as const) {
    assert.equal(isWithin(inner, outer), expected, `${inner} in ${outer}`);
  }
});
