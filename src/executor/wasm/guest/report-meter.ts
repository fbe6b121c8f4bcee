import { openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { ANSWERED, ASKED, IO_OFFSET, LAST, MODULE_WORDS_OFFSET, ORDERS_OFFSET, PAGE_BYTES, VERSION_OFFSET } from './meter-page.ts';

// A thread of the sandbox's runner: copies the counts to a file, in the form of the host's RuntimeCounts, now and then and whenever it is
// asked to. The module's thread waits for it before its first instruction and after its last one, and never in between.

interface ReportTask { buffer: SharedArrayBuffer; file: string; intervalMs: number }

const { buffer, file, intervalMs } = workerData as ReportTask;
const module = new BigInt64Array(buffer, MODULE_WORDS_OFFSET, 2);
const io = new Float64Array(buffer, IO_OFFSET, 4);
const version = new Int32Array(buffer, VERSION_OFFSET, 1);
const orders = new Int32Array(buffer, ORDERS_OFFSET, 3);
const fd = openSync(file, 'r+');
const record = new Float64Array(8);
const bytes = new Uint8Array(record.buffer);

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage('up');
for (let answered = 0, reports = 1; ; reports++) {
  Atomics.wait(orders, ASKED, answered, intervalMs);
  const last = Atomics.load(orders, LAST);
  answered = Atomics.load(orders, ASKED);
  take(reports);
  writeSync(fd, bytes, 0, bytes.length, 0);
  Atomics.store(orders, ANSWERED, answered);
  Atomics.notify(orders, ANSWERED);
  if (last !== 0) break;
}

/** All counts as they were at one moment of the module's way: none from before a call beside one from after it. */
function take(serial: number): void {
  for (;;) {
    const before = Atomics.load(version, 0);
    record.set([serial, Number(Atomics.load(module, 0)), Number(Atomics.load(module, 1)) * PAGE_BYTES, ...io, serial]);
    if (before % 2 === 0 && Atomics.load(version, 0) === before) return;
  }
}
