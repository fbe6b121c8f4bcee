import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { takeUsualUmask } from '../usual-umask.ts';
import { MAX_OUTPUT_REMARKS } from './constants.ts';
import { receiveOutputs, type OutputReceiver } from './receive-outputs.ts';
import { encodeStrings } from './wire.ts';

// As a node does.
takeUsualUmask();

describe('outputs of a guest', () => {
  let directory: string;
  let receiver: OutputReceiver;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'gadus-outputs-'));
    receiver = receiveOutputs(directory, ['out', 'file'], 1000);
  });
  afterEach(async () => {
    await receiver.close();
    await rm(directory, { recursive: true, force: true });
  });

  const send = (...words: (string | number | Uint8Array)[]) => receiver.entry(encodeStrings(words));
  const refused = (promise: Promise<unknown>) => assert.rejects(promise, (error) => isError(error, 'GUEST_MISBEHAVED'));

  test('are written as they come', async () => {
    await send('dir', 'out', '', 0o755, 0);
    await send('dir', 'out', 'sub', 0o700, 0);
    await send('file', 'out', 'sub/a\nb', 0o755, 5);
    await receiver.data(Buffer.from('he'));
    await receiver.data(Buffer.from('llo'));
    await send('file', 'out', Buffer.from([0xff]), 0o600, 0);
    await send('link', 'out', 'sub/away', '/etc/passwd', 0);
    await send('file', 'file', '', 0o644, 0);
    await send('none', 'file', '', 'is \x1b[31mmissing', 0);
    assert.deepEqual(receiver.end(), {
      outputs: [{ name: 'out', path: path.join(directory, 'out') }, { name: 'file', path: path.join(directory, 'file') }],
      notes: ['output file is ?[31mmissing'],
    });
    assert.equal(await readFile(path.join(directory, 'out/sub/a\nb'), 'utf8'), 'hello');
    assert.equal((await stat(path.join(directory, 'out/sub/a\nb'))).mode & 0o777, 0o755);
    assert.equal(await readlink(path.join(directory, 'out/sub/away')), '/etc/passwd');
    assert.equal((await readdir(path.join(directory, 'out'))).length, 2);
  });

  test('escape by no path', async () => {
    await send('dir', 'out', '', 0o755, 0);
    for (const below of ['..', '../x', 'a/../../x', '/etc/x', '', 'x/', './x', 'a//b', 'x\0y', 'n'.repeat(256), 'missing/x']) await refused(send('file', 'out', below, 0o644, 0));
    await refused(send('dir', 'other', '', 0o755, 0));
    await refused(send('file', '../out', 'x', 0o644, 0));
    assert.deepEqual(await readdir(directory), ['out']);
    assert.deepEqual(await readdir(path.join(directory, 'out')), []);
  });

  test('go through no link', async () => {
    await send('dir', 'out', '', 0o755, 0);
    await send('link', 'out', 'etc', '/etc', 0);
    await refused(send('file', 'out', 'etc/gadus-escaped', 0o644, 0));
    await refused(send('file', 'out', 'etc', 0o644, 0));
    await refused(send('link', 'file', '', '/etc', 0));
    for (const target of ['', 'x'.repeat(5000), 'a\0b']) await refused(send('link', 'out', 'l', target, 0));
  });

  test('have limits', async () => {
    await send('dir', 'out', '', 0o755, 0);
    for (const size of [1001, -1, 1.5, 'x', 1e300]) await refused(send('file', 'out', `f${size}`, 0o644, size));
    const more = async () => { for (let i = 0; ; i++) await send('none', 'out', 'x'.repeat(200), 'y'.repeat(200), 0); };
    await refused(more());
    assert.equal(receiver.end().notes.length, MAX_OUTPUT_REMARKS);
  });

  test('are whole', async () => {
    await refused(receiver.data(Buffer.from('x')));
    await send('file', 'file', '', 0o644, 3);
    await refused(receiver.data(Buffer.from('four')));
    await refused(receiver.data(Buffer.alloc(0)));
    await refused(send('dir', 'out', '', 0o755, 0));
    assert.throws(() => receiver.end(), (error) => isError(error, 'GUEST_MISBEHAVED'));
  });
});
