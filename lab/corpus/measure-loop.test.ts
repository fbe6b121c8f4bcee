import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { keepOutput, outputFileName } from './keep-output.ts';
import { measureLoop } from './measure-loop.ts';

const directory = await mkdtemp(join(tmpdir(), 'gadus-recorder-parts-'));
after(() => rm(directory, { recursive: true, force: true }));

test('a loop is measured at least once, however short the run, and no more after it', async () => {
  const ns = await measureLoop().stop();
  assert.ok(ns > 1000 && ns < 1e9, String(ns));
});

test('an output is kept once, its files one behind the other', async () => {
  const files = ['a', 'b'].map((name) => join(directory, name));
  await Promise.all(files.map((file) => writeFile(file, file.slice(-1))));
  const kept = join(directory, 'kept');
  await keepOutput(kept, '0x12ab', files);
  await writeFile(files[0]!, 'other');
  await keepOutput(kept, '0x12ab', files);
  assert.deepEqual(await readdir(kept), [outputFileName('0x12ab')]);
  assert.equal(gunzipSync(await readFile(join(kept, outputFileName('0x12ab')))).toString(), 'ab');
});
