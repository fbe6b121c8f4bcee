import { openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

// A thread of the sandbox's runner: copies the count from the meter to a file, with the number of such copies, as two little-endian
// 64-bit numbers, until told to stop, and then once more. The module's thread never waits for it before its end.

interface ReportTask { buffer: SharedArrayBuffer; file: string; intervalMs: number }

const { buffer, file, intervalMs } = workerData as ReportTask;
const count = new BigInt64Array(buffer, 0, 1);
const orders = new Int32Array(buffer, 64, 2);
const fd = openSync(file, 'r+');
const bytes = Buffer.alloc(16);
let reports = 0n;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage('up');
for (let going = true; going;) {
  going = Atomics.wait(orders, 0, 0, intervalMs) === 'timed-out';
  bytes.writeBigInt64LE(Atomics.load(count, 0));
  bytes.writeBigInt64LE(++reports, 8);
  writeSync(fd, bytes, 0, 16, 0);
}
Atomics.store(orders, 1, 1);
Atomics.notify(orders, 1);
