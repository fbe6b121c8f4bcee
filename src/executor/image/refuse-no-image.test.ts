import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { layoutOf, tarOf } from '../../../test/images/layers.ts';
import { isError } from '../../protocol/index.ts';
import { refuseNoImage } from './refuse-no-image.ts';

test('takes what begins as an image does, and says of anything else what one is', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gadus-image-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'image');
  const look = (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    return refuseNoImage(file);
  };
  const tar = tarOf(Array.from({ length: 2000 }, (_, i) => ({ name: `f${i}`, content: 'x' })));
  for (const bytes of [tar, gzipSync(tar), layoutOf([tar]), Buffer.concat([Buffer.from('\0asm'), Buffer.alloc(8)])]) await look(bytes);
  for (const bytes of [Buffer.from('root:x:0:0:root:/root:/bin/sh\n'.repeat(40)), Buffer.from('x'), gzipSync(Buffer.from('hello')), Buffer.alloc(0), tarOf([])]) {
    await assert.rejects(look(bytes), (error) => isError(error, 'IMAGE_INVALID'));
  }
  await assert.rejects(look(Buffer.from('<html>'.repeat(500))), (error) => isError(error, 'IMAGE_INVALID') && /a tar of a file system/.test(error.hint!));
  await assert.rejects(refuseNoImage(path.join(directory, 'absent')), { code: 'ENOENT' });
});
