import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { resolveInRoot } from './resolve-in-root.ts';

describe('resolveInRoot', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'gadus-root-'));
    mkdirSync(path.join(root, 'usr/lib'), { recursive: true });
    writeFileSync(path.join(root, 'file'), '');
    for (const [name, target] of [['lib', 'usr/lib'], ['abs', '/usr'], ['up', '../../../../etc'], ['loop', 'loop'], ['a', 'b'], ['b', '/abs/../up/x'], ['usr/back', '..']] as const) {
      symlinkSync(target, path.join(root, name));
    }
  });
  after(() => rmSync(root, { recursive: true }));

  for (const [target, expected] of [
    ['/new/deep', '/new/deep'], ['/lib/data', '/usr/lib/data'], ['/abs/lib', '/usr/lib'], ['/up/passwd', '/etc/passwd'], ['/a', '/etc/x'],
    ['/usr/back/lib', '/usr/lib'], ['/file/below', '/file/below'], ['//x/./y/', '/x/y'], ['/../..', '/'],
  ] as const) {
    test(`${target} -> ${expected}`, () => assert.equal(resolveInRoot(root, target), expected));
  }
  test('refuses a loop', () => assert.throws(() => resolveInRoot(root, '/loop/x'), (error) => isError(error, 'JOB_UNFIT')));
});
