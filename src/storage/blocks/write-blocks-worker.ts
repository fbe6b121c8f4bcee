import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

/** One file to write: its bytes lie in the shared memory. */
export interface WriteOrder { path: string; offset: number; length: number; replace: boolean }
/** Of as many orders as were sent, in their order: nothing, or why not. */
export type WriteOutcome = { code?: string; message: string } | undefined;
export interface WriteBlocksData { memory: SharedArrayBuffer; temporary: string }

const { memory, temporary } = workerData as WriteBlocksData;
const bytes = new Uint8Array(memory);
let drafts = 0;

/** Whole or not at all: what has the name was written under another one. What is there already stays, unless it is to be replaced. */
function write({ path, offset, length, replace }: WriteOrder): void {
  if (!replace && existsSync(path)) return;
  const draft = join(temporary, `w${drafts++}`);
  try {
    writeDraft(draft, path, offset, length);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeDraft(draft: string, path: string, offset: number, length: number): void {
  const file = openSync(draft, 'wx');
  try {
    for (let done = 0; done < length;) done += writeSync(file, bytes, offset + done, length - done);
  } finally {
    closeSync(file);
  }
  try {
    renameSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    renameSync(draft, path);
  }
}

parentPort!.on('message', (orders: WriteOrder[]) => {
  const outcomes = orders.map((order): WriteOutcome => {
    try {
      write(order);
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { message, ...(code !== undefined && { code }) };
    }
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(outcomes);
});
