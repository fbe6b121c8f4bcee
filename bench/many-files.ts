import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CID } from 'multiformats/cid';
import { createStorage } from '../src/storage/index.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';

/** Files of each shape. */
const FILES = Number(process.env.MANY_FILES ?? 100_000);
const IN_A_FOLDER = 1_000;
/** Which shapes, e.g. `MANY_SHAPES=folders`. */
const SHAPES = process.env.MANY_SHAPES?.split(',') ?? ['folders', 'one folder'];
/** Which steps, e.g. `MANY_STEPS=reference,start,cp`; `start` and `restart` need what `reference` made, `unpack` and `collect` what `copy` did. */
const STEPS = process.env.MANY_STEPS?.split(',') ?? ['cp', 'tar', 'reference', 'start', 'restart', 'copy', 'unpack', 'collect'];
/** Where the files stay for the next time; they are made anew, and removed, unless it is set. */
const KEPT = process.env.MANY_DIR;
/** Between two lines about one step. */
const TOLD_EVERY_MS = 5_000;
const run = promisify(execFile);

interface Row { shape: string; step: string; ms: number; filesPerSecond: number; peakMb: number | undefined }

/**
 * Many small files, in folders of a thousand and in one folder (a sharded directory): `cp -r` and `tar` beside referencing them where they lie, how much of
 * them is here, the path for a job, a restart; copying them, unpacking what was copied, as a job on another node gets it, and removing all of it. The peak
 * memory is of each step.
 */
export const manyFiles: Benchmark = async (say) => {
  const dir = await mkdtemp(join(KEPT ?? tmpdir(), 'gadus-bench-'));
  const rows: Row[] = [];
  try {
    for (const [shape, perFolder] of ([['folders', IN_A_FOLDER], ['one folder', Infinity]] as const).filter(([name]) => SHAPES.includes(name))) {
      const source = join(KEPT ?? dir, `${shape.replace(' ', '-')}-${FILES}`);
      makeFiles(source, perFolder);
      await measureShape(shape, source, join(dir, shape.replace(' ', '-')), rows, say);
    }
    say(table(['files', 'step', 'ms', 'files/s', 'peak MB'], rows.map((row) => [row.shape, row.step, row.ms, row.filesPerSecond, row.peakMb ?? '-'])));
    return { files: FILES, rows };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

async function measureShape(shape: string, source: string, dir: string, rows: Row[], say: (line: string) => void): Promise<void> {
  mkdirSync(dir);
  let storage = await createStorage({}, { dir: join(dir, 'store') });
  const measure = async <T>(step: string, work: (onProgress: (progress: { blocks: number }) => void) => Promise<T>, ours = true): Promise<T> => {
    forgetPeak();
    const started = performance.now();
    let toldAt = started;
    const value = await work(({ blocks }) => {
      const now = performance.now();
      if (now - toldAt < TOLD_EVERY_MS) return;
      toldAt = now;
      say(`${shape}, ${step}: ${blocks} blocks after ${Math.round((now - started) / 1000)} s, ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
    });
    const ms = Math.round(performance.now() - started);
    const row = { shape, step, ms, filesPerSecond: Math.round(FILES / ms * 1000), peakMb: ours ? Math.round(peakBytes() / 1e6) : undefined };
    rows.push(row);
    say(`${shape}, ${step}: ${ms} ms${row.peakMb === undefined ? '' : `, ${row.peakMb} MB`}`);
    return value;
  };
  try {
    if (STEPS.includes('cp')) {
      await measure('cp -r', () => run('cp', ['-r', source, join(dir, 'cp')]), false);
      await rm(join(dir, 'cp'), { recursive: true });
    }
    if (STEPS.includes('tar')) {
      await measure('tar -c', () => run('tar', ['-c', '-f', join(dir, 'tar'), '-C', source, '.']), false);
      mkdirSync(join(dir, 'untar'));
      await measure('tar -x', () => run('tar', ['-x', '-f', join(dir, 'tar'), '-C', join(dir, 'untar')]), false);
      await rm(join(dir, 'untar'), { recursive: true });
    }
    let cid: CID | undefined;
    if (STEPS.includes('reference')) {
      cid = (await measure('add --no-copy', (onProgress) => storage.add(source, { noCopy: true, onProgress }))).cid;
      const root = cid;
      if ((await measure('locality', () => storage.locality(root))).share !== 1) throw new Error('not all of it is here');
      if (STEPS.includes('start')) {
        const input = await measure('path for a job', () => storage.materialise(root));
        if (input.path !== source) throw new Error(`${input.path} instead of where it lies`);
        await measure('unchanged after it', () => input.check());
        await input.release();
      }
      if (STEPS.includes('restart')) {
        await storage.stop();
        storage = await measure('restart', () => createStorage({}, { dir: join(dir, 'store') }));
        await measure('locality after it', () => storage.locality(root));
      }
      await measure('rm', () => storage.remove(root));
    }
    if (!STEPS.includes('copy')) return;
    const copy = (await measure('add', (onProgress) => storage.add(source, { onProgress }))).cid;
    if (cid !== undefined && !copy.equals(cid)) throw new Error(`${copy} instead of ${cid}`);
    await measure('locality', () => storage.locality(copy));
    if (STEPS.includes('unpack')) {
      await (await measure('unpack for a job', (onProgress) => storage.materialise(copy, { onProgress }))).release();
      await measure('evict', () => storage.evict({ maxBytes: 0 }));
    }
    if (STEPS.includes('collect')) {
      await storage.remove(copy);
      await measure('collect', () => storage.collect());
    }
  } finally {
    await storage.stop();
  }
}

/** Makes files unless they are there, whole. */
function makeFiles(root: string, perFolder: number): void {
  if (existsSync(root)) return;
  const draft = `${root}.draft`;
  for (let i = 0; i < FILES; i++) {
    const folder = perFolder === Infinity ? draft : join(draft, String(Math.floor(i / perFolder)).padStart(4, '0'));
    if (i === 0 || i % perFolder === 0) mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, `file-${String(i).padStart(7, '0')}.txt`), `file ${i}\n`.repeat(30), { mode: 0o644 });
  }
  renameSync(draft, root);
}

/** Lets the system's record of this process's peak begin anew (man 5 proc_pid_clear_refs). */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}

function peakBytes(): number {
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}
