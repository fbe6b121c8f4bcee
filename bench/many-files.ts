import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage } from '../src/storage/index.ts';
import type { Benchmark } from './main.ts';
import { table } from './statistics.ts';

/** Files of each shape. */
const FILES = Number(process.env.MANY_FILES ?? 100_000);
const IN_A_FOLDER = 1_000;

/**
 * Many small files, in folders of a thousand and in one folder (a sharded directory): referenced where they lie, how much of them is here, the path for
 * a job; copied, and unpacked again. Peak memory is the process's so far. Linear in the number of files: a million takes ten times as long as 100,000.
 */
export const manyFiles: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const rows: { shape: string; step: string; ms: number; filesPerSecond: number; peakMb: number }[] = [];
  try {
    for (const [shape, perFolder] of [['folders', IN_A_FOLDER], ['one folder', Infinity]] as const) {
      const source = join(dir, shape.replace(' ', '-'));
      await makeFiles(source, perFolder);
      const storage = await createStorage({}, { dir: join(dir, `store-${shape.replace(' ', '-')}`) });
      const measure = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
        const started = performance.now();
        const value = await work();
        const ms = Math.round(performance.now() - started);
        rows.push({ shape, step, ms, filesPerSecond: Math.round(FILES / ms * 1000), peakMb: Math.round(process.resourceUsage().maxRSS / 1000) });
        say(`${shape}, ${step}: ${ms} ms`);
        return value;
      };
      try {
        const { cid } = await measure('add --no-copy', () => storage.add(source, { noCopy: true }));
        if ((await measure('locality', () => storage.locality(cid))).share !== 1) throw new Error('not all of it is here');
        await (await measure('path for a job', () => storage.materialise(cid))).release();
        await storage.remove(cid);
        const copy = await measure('add', () => storage.add(source));
        if (!copy.cid.equals(cid)) throw new Error(`${copy.cid} instead of ${cid}`);
        await measure('unpack', () => storage.export(cid, join(dir, `out-${shape.replace(' ', '-')}`)));
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
