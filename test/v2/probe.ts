import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContainerEngine } from '../../src/executor/index.ts';

/** Tells what the container engine finds here, and fails where it finds nothing: a suite that is skipped must not count as passed. */
const runtime = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'gadus-probe-'));
const { ok, version, isolation, problems } = await createContainerEngine({ stateDir: directory, ...(runtime === undefined ? {} : { runtime }) }).probe();
rmSync(directory, { recursive: true, force: true });
console.log(`PROBE ${runtime} ${version} as ${process.getuid?.()}: ${ok ? 'works' : 'does not work'}; ${isolation}`);
for (const { what, remedy } of problems) console.log(`  ${what}\n  → ${remedy}`);
process.exitCode = ok ? 0 : 1;
