import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { LONGEST_OUTPUT_PATH_BYTES } from '../constants.ts';
import { removeTree } from './remove-tree.ts';
import { resultFiles } from './result-files.ts';
import { tidyOutputs } from './tidy-outputs.ts';

describe('outputs that no result can hold', () => {
  let directory: string;
  let serial = 0;
  before(() => { directory = mkdtempSync(path.join(tmpdir(), 'gadus-tidy-')); });
  after(() => removeTree(directory));
  const output = (make: (at: string) => void) => {
    const at = path.join(directory, String(serial++));
    mkdirSync(at);
    make(at);
    return { name: 'o', path: at };
  };
  const perl = (at: string, script: string) => execFileSync('perl', ['-e', `chdir $ARGV[0]; ${script}`, at]);
  /** Paths that the evidence speaks of after tidying, and the notes. */
  const left = async (outputs: { name: string; path: string }[], diskBytes = 1e6) => {
    const { outputs: kept, notes } = await tidyOutputs(outputs, diskBytes);
    return { files: (await resultFiles({ outputs: kept, stdoutPath: '/stdout' })).slice(0, -1).map((file) => file.path), notes, kept };
  };

  it('names that are not UTF-8, of files and of folders', async () => {
    const { files, notes } = await left([output((at) => perl(at, 'open F, ">", "a\\xff"; mkdir "\\xc3("; open F, ">", "\\xc3(/x"; open F, ">", "\\xc3\\xa4"'))]);
    assert.deepEqual(files, ['o/ä']);
    assert.deepEqual(notes, ['output o: 2 not taken, whose names are not UTF-8']);
  });
  it('paths that are longer than a system takes, by depth or by long names', async () => {
    const { files, notes } = await left([
      output((at) => perl(at, 'open F, ">", "f"; for (1 .. 900) { mkdir "dddd"; chdir "dddd" } open F, ">", "g"')),
      output((at) => perl(at, 'open F, ">", "f"; for (1 .. 40) { mkdir "d" x 255; chdir "d" x 255; open F, ">", "h" }')),
    ]);
    assert.deepEqual(files.filter((name) => name.length < 10), ['o/f', 'o/f']);
    assert.deepEqual(files.map((name) => name.length - 2).filter((length) => length > 1).sort((a, b) => a - b), Array.from({ length: LONGEST_OUTPUT_PATH_BYTES / 256 - 1 }, (_, i) => 256 * (i + 1) + 1));
    assert.equal(notes.length, 2);
  });
  it('files with holes, and names of one file, that are more than the disk together', async () => {
    const whole = output((at) => {
      writeFileSync(path.join(at, 'b'), 'content');
      for (const name of ['a', 'c']) {
        writeFileSync(path.join(at, name), '');
        truncateSync(path.join(at, name), name === 'a' ? 2 ** 43 : 999_000);
      }
      for (let i = 0; i < 9; i++) linkSync(path.join(at, 'c'), path.join(at, `d${i}`));
    });
    const single = { name: 'single', path: path.join(directory, 'single') };
    writeFileSync(single.path, '');
    truncateSync(single.path, 2 ** 40);
    const { files, notes, kept } = await left([whole, single]);
    assert.deepEqual([files, kept], [['o/b', 'o/c'], [whole]]);
    assert.deepEqual(notes, ['output o: 10 not taken, whose files are larger than the disk', 'output single: 1 not taken, whose files are larger than the disk']);
  });
  it('and leaves all else as it is', async () => {
    const ordinary = output((at) => {
      mkdirSync(path.join(at, 'deep/er'), { recursive: true });
      writeFileSync(path.join(at, 'deep/er/file'), 'x');
      symlinkSync('/etc', path.join(at, 'link'));
    });
    assert.deepEqual(await left([ordinary], 1), { files: ['o/deep/er/file'], notes: [], kept: [ordinary] });
  });
});
