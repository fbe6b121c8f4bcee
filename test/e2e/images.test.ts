import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildBusyboxImage } from '../../src/executor/index.ts';
import { layoutOf, tarOf } from '../images/layers.ts';
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
});
