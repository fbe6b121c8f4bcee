import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readProfile, writeProfile } from '../../src/client/index.ts';
import { buildBusyboxImage, hostPlatform } from '../../src/executor/index.ts';
import { startGadus } from '../cli.ts';
import { imageOf, layoutOf, sha256, tarOf } from '../images/layers.ts';
import { noRegistry, startRegistry, writeIndex } from '../images/registry.ts';
import { settledJob, useNetwork } from '../network.ts';
import { toolbox } from '../wasm/assemble.ts';

describe('images', () => {
  const network = useNetwork({ shared: true, nodes: 4 });

  test('a module is an image, and its replicas agree', async () => {
    const net = network();
    const { client } = await net.client();
    const [module, input] = [join(net.dir, 'toolbox.wasm'), join(net.dir, 'input')];
    await writeFile(module, await toolbox());
    await writeFile(input, 'words\n'.repeat(10_000));
    const image = await net.addData(module);
    const source = await net.addData(input);
    const record = await client.submit({
      engine: 'wasm', image, command: ['toolbox', 'copy', 'input', 'out'], inputs: [{ source, target: '/inputs/input' }], outputs: [{ name: 'out', path: '/work/out' }],
      verification: { replicas: 2 },
    });
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
    const folder = join(net.dir, 'wasm-result');
    await client.fetchResult(record, folder);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'words\n'.repeat(10_000));
  });

  test('an archive of an OCI layout is an image, layer over layer', async () => {
    const net = network();
    const { client } = await net.client();
    const [tar, archive] = [join(net.dir, 'busybox.tar'), join(net.dir, 'layout.tar')];
    await buildBusyboxImage({ out: tar });
    const over = tarOf([{ name: 'etc/motd', content: 'of the second layer\n' }, { name: 'etc/.wh.group' }]);
    await writeFile(archive, layoutOf([gzipSync(await readFile(tar)), gzipSync(over)]));
    const image = await net.addData(archive);
    const record = await client.submit({ engine: 'container', image, command: ['sh', '-c', 'cat /etc/motd; ls /etc'], verification: { replicas: 2, policy: 'exact' } });
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
    const folder = join(net.dir, 'layout-result');
    await client.fetchResult(record, folder);
    assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), 'of the second layer\nmotd\npasswd\n');
  });

  test('the folder of an OCI layout is an image', async () => {
    const net = network();
    const { client } = await net.client();
    const [tar, folder] = [join(net.dir, 'folder.tar'), join(net.dir, 'folder')];
    await buildBusyboxImage({ out: tar });
    await mkdir(folder);
    execFileSync('tar', ['-x', '-C', folder], { input: layoutOf([gzipSync(await readFile(tar))]) });
    const record = await client.submit({ engine: 'container', image: await net.addData(folder), command: ['echo', 'of a folder'], verification: { replicas: 2, policy: 'exact' } });
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed'], JSON.stringify(record.findings));
    assert.equal(client.resultOf(record).exitCode, 0);
  });

  test('a broken image is its client\'s fault: nodes agree that it is, and are paid', async () => {
    const net = network();
    const { client } = await net.client();
    const image = join(net.dir, 'broken.tar');
    await writeFile(image, layoutOf([tarOf([{ name: '../evil', content: 'x' }])]));
    const record = await client.submit({ engine: 'container', image: await net.addData(image), command: ['true'], verification: { replicas: 3 } });
    const state = await settledJob(client, record);
    assert.deepEqual(state.verdicts, ['agreed', 'agreed', 'agreed'], JSON.stringify(record.findings));
    assert.ok(record.findings!.every(({ reason }) => !reason.includes('share one')), JSON.stringify(record.findings));
    assert.equal(client.resultOf(record).exitCode, 125);
    const folder = join(net.dir, 'broken-result');
    await client.fetchResult(record, folder);
    assert.equal(await readFile(join(folder, 'stderr'), 'utf8'), 'gadus: the job cannot be run: the image holds a name that leads outside [IMAGE_INVALID]\n');
  });

  test('an image of a registry is fetched when it is first named, and is a CID before its job is on chain', async (t) => {
    const net = network();
    const [home, work] = ['image-home', 'image-work'].map((name) => join(net.dir, name)) as [string, string];
    await mkdir(work);
    const { key } = await net.account();
    // No node is this client's: what it fetches it keeps, and nodes have it from there.
    await writeProfile(join(home, 'profile.json'), { ...net.profile, apis: [], key });
    const gadus = (...args: string[]) => startGadus(args, { env: { GADUS_HOME: home }, cwd: work }).ended;
    if (noRegistry !== false) {
      const { code, stderr } = await gadus('--json', 'run', '--image', 'docker://registry.invalid/tool:1', '--', 'true');
      assert.notEqual(code, 0);
      assert.match((JSON.parse(stderr) as { error: { code: string } }).error.code, /^(TOOL_MISSING|REGISTRY_FAILED)$/);
      return t.skip(noRegistry);
    }
    const registry = await startRegistry();
    try {
      const [tar, layout] = [join(work, 'busybox.tar'), join(work, 'layout')];
      await buildBusyboxImage({ out: tar });
      const { os, architecture } = hostPlatform();
      writeIndex(layout, [{ platform: { os, architecture }, ...imageOf([gzipSync(await readFile(tar)), gzipSync(tarOf([{ name: 'etc/motd', content: 'of a registry\n' }]))]) }], sha256);
      registry.push(layout, 'team/tool:1.0');
      const image = `docker://${registry.host}/team/tool:1.0`;
      const first = await gadus('run', '--replicas', '2', '--policy', 'exact', '--image', image, '--output-dir', 'first', '--', 'cat', '/etc/motd');
      assert.equal(first.code, 0, first.stderr);
      assert.equal(await readFile(join(work, 'first/stdout'), 'utf8'), 'of a registry\n');
      await registry.stop();
      // From then on it is what it was, whatever becomes of the registry.
      const spec = join(work, 'job.json');
      await writeFile(spec, JSON.stringify({ image, command: ['cat', '/etc/motd'], verification: { replicas: 2, policy: 'exact' } }));
      const again = await gadus('job', 'submit', spec, '--json');
      assert.equal(again.code, 0, again.stderr);
      const { images } = await readProfile(join(home, 'profile.json'));
      assert.match(images[image]!, /^b/);
      await writeProfile(join(work, 'host.json'), { ...net.profile, key });
      const imported = await gadus('--json', '--profile', join(work, 'host.json'), 'image', 'import', layout, 'tool');
      assert.equal(imported.code, 0, imported.stderr);
      assert.equal((await readProfile(join(work, 'host.json'))).images['tool'], (JSON.parse(imported.stdout) as { cid: string }).cid);
      assert.equal((await gadus('image', 'import', work, 'tool')).code, 2, 'a folder that is no layout');
      const other = await gadus('--json', 'run', '--image', `docker://${registry.host}/team/other`, '--', 'true');
      assert.deepEqual([other.code, (JSON.parse(other.stderr) as { error: { code: string } }).error.code], [3, 'REGISTRY_FAILED']);
    } finally {
      if (registry.process.exitCode === null && registry.process.signalCode === null) await registry.stop();
    }
    return undefined;
  });
});
