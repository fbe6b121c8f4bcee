import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSealKeys, openResult, sealResult } from '../src/evidence/index.ts';
import { createStorage } from '../src/storage/index.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';

/** Bytes of the result. */
const SIZE = Number(process.env.SEALING_BYTES ?? 1024 ** 3);
const CHUNK = 8 * 1024 * 1024;

/** A result of one large file published and fetched, in the clear and encrypted to its client: seconds, and CPU seconds of the whole process. */
export const sealing: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const rows: { step: string; ms: number; cpuMs: number; mbPerSecond: number; peakMb: number }[] = [];
  const measure = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const cpu = process.cpuUsage();
    const started = performance.now();
    const value = await work();
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    rows.push({ step, ms: Math.round(ms), cpuMs: Math.round((user + system) / 1000), mbPerSecond: Math.round(SIZE / 1e3 / ms), peakMb: Math.round(process.resourceUsage().maxRSS / 1000) });
    return value;
  };
  const storage = await createStorage({}, { dir: join(dir, 'storage') });
  try {
    const file = join(dir, 'output');
    const handle = await open(file, 'wx');
    for (let left = SIZE; left > 0; left -= CHUNK) await handle.write(randomBytes(Math.min(CHUNK, left)));
    await handle.close();
    const { publicKey, privateKey } = await createSealKeys();
    const context = { court: { chainId: 31337, scheduler: `0x${'22'.repeat(20)}` as const }, jobId: `0x${'44'.repeat(32)}` as const, node: `0x${'33'.repeat(20)}` as const };
    const entries = [{ path: 'outputs/file', source: file }];
    const sealed = await measure('publish, encrypted', () => storage.addSealed(entries, { seal: (car, plain) => sealResult(car, { ...context, sealKey: publicKey, resultCid: plain.toString() }) }));
    await measure('fetched before: open and unpack', () => storage.exportSealed(sealed.cid, sealed.plain, join(dir, 'opened'), {
      open: (bytes) => openResult(bytes, { ...context, privateKey, resultCid: sealed.plain.toString() }),
    }));
    const { cid } = await measure('publish in the clear', () => storage.addTree(entries));
    if (!cid.equals(sealed.plain)) throw new Error(`${cid} instead of ${sealed.plain}`);
    await measure('fetched before: unpack', () => storage.export(cid, join(dir, 'unpacked')));
    say(table(['step', 'ms', 'CPU ms', 'MB/s', 'peak MB so far'], rows.map((row) => [row.step, row.ms, row.cpuMs, row.mbPerSecond, row.peakMb])));
    return { bytes: SIZE, rows };
  } finally {
    await storage.stop();
    await rm(dir, { recursive: true, force: true });
  }
};
