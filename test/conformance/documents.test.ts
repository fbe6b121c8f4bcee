import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
/** Written by a command that the document tells of. */
const GENERATED = ['lab/report.html'];

describe('documents', () => {
  it('name files of this tree that exist, and link to pages that do', async () => {
    const missing: string[] = [];
    for await (const document of glob(['*.md', 'docs/*.md', 'lab/*.md'], { cwd: ROOT })) {
      const text = await readFile(join(ROOT, document), 'utf8');
      const named = [...text.matchAll(/`((?:src|test|lab|bench|contracts|scripts|docs)\/[\w./-]+)`/g)].map(([, path]) => path!);
      const linked = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, path]) => join(dirname(document), path!));
      missing.push(...[...named, ...linked].filter((path) => !GENERATED.includes(path) && !existsSync(join(ROOT, path))).map((path) => `${document}: ${path}`));
    }
    assert.deepEqual(missing, []);
  });
});
