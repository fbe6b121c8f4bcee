import { workerData } from 'node:worker_threads';
import { LAST, TURNS_OFFSET } from './meter-page.ts';
import { MeterRecord } from './meter-record.ts';

// A thread of the sandbox's runner: writes the counts down now and then. The module's thread waits for it neither at its start nor at its end: it is long in coming up.

interface ReportTask { buffer: SharedArrayBuffer; file: string; intervalMs: number }

const { buffer, file, intervalMs } = workerData as ReportTask;
const turns = new Int32Array(buffer, TURNS_OFFSET, 3);
const record = new MeterRecord(buffer, file);
do Atomics.wait(turns, LAST, 0, intervalMs); while (record.write());
