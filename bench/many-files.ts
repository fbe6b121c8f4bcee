import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage } from '../src/storage/index.ts';
import type { Benchmark } from './main.ts';
import { table } from './statistics.ts';

/** Files of each shape. */
const FILES = Number(process.env.MANY_FILES ?? 100_000);
const IN_A_FOLDER = 1_000;
/** Which shapes, e.g. `MANY_SHAPES=folders`. */
const SHAPES = process.env.MANY_SHAPES?.split(',') ?? ['folders', 'one folder'];
/** Between two lines about one step. */
const TOLD_EVERY_MS = 5_000;

/**
 * Many small files, in folders of a thousand and in one folder (a sharded directory): referenced where they lie, how much of them is here, the path for
 * a job; copied, and unpacked again. Peak memory is the process's so far. Linear in the number of files: a million takes ten times as long as 100,000.
 */
export const manyFiles: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const rows: { shape: string; step: string; ms: number; filesPerSecond: number; peakMb: number }[] = [];
  try {
    for (const [shape, perFolder] of ([['folders', IN_A_FOLDER], ['one folder', Infinity]] as const).filter(([name]) => SHAPES.includes(name))) {
      const source = join(dir, shape.replace(' ', '-'));
      await makeFiles(source, perFolder);
      const storage = await createStorage({}, { dir: join(dir, `store-${shape.replace(' ', '-')}`) });
      const measure = async <T>(step: string, work: (onProgress: (progress: { blocks: number }) => void) => Promise<T>): Promise<T> => {
        const started = performance.now();
        let toldAt = started;
        const value = await work(({ blocks }) => {
          const now = performance.now();
          if (now - toldAt < TOLD_EVERY_MS) return;
          toldAt = now;
          say(`${shape}, ${step}: ${blocks} blocks after ${Math.round((now - started) / 1000)} s, ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
        });
        const ms = Math.round(performance.now() - started);
        rows.push({ shape, step, ms, filesPerSecond: Math.round(FILES / ms * 1000), peakMb: Math.round(process.resourceUsage().maxRSS / 1000) });
        say(`${shape}, ${step}: ${ms} ms`);
        return value;
      };
      try {
        const { cid } = await measure('add --no-copy', (onProgress) => storage.add(source, { noCopy: true, onProgress }));
        if ((await measure('locality', () => storage.locality(cid))).share !== 1) throw new Error('not all of it is here');
        if ((await measure('locate', () => storage.locate(cid))).every(({ has }) => has !== true)) throw new Error('it is not located');
        await (await measure('path for a job', () => storage.materialise(cid))).release();
        await storage.remove(cid);
        const copy = await measure('add', (onProgress) => storage.add(source, { onProgress }));
        if (!copy.cid.equals(cid)) throw new Error(`${copy.cid} instead of ${cid}`);
        await measure('unpack', (onProgress) => storage.export(cid, join(dir, `out-${shape.replace(' ', '-')}`), { onProgress }));
      } finally {
        await storage.stop();
      }
    }
    say(table(['files', 'step', 'ms', 'files/s', 'peak MB so far'], rows.map((row) => [row.shape, row.step, row.ms, row.filesPerSecond, row.peakMb])));
    return { files: FILES, rows };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

async function makeFiles(root: string, perFolder: number): Promise<void> {
  for (let i = 0; i < FILES; i++) {
    const folder = perFolder === Infinity ? root : join(root, String(Math.floor(i / perFolder)).padStart(4, '0'));
    if (i === 0 || i % perFolder === 0) await mkdir(folder, { recursive: true, mode: 0o755 });
    await writeFile(join(folder, `file-${String(i).padStart(7, '0')}.txt`), `file ${i}\n`.repeat(30), { mode: 0o644 });
  }
}
