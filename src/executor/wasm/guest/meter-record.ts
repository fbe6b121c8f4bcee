import { openSync, writeSync } from 'node:fs';
import { IO_OFFSET, LAST, LOCK, MODULE_WORDS_OFFSET, PAGE_BYTES, SERIAL, TURNS_OFFSET, VERSION_OFFSET } from './meter-page.ts';

/** Longest that a thread sleeps before it looks at the lock again, ms: who has it may be gone before it says so. */
const LOCK_LOOK_MS = 1;

/** Writes the counts to the file, in the form of the host's RuntimeCounts: by the runner's thread before the module's first instruction and after its last, by the reporter's in between. */
export class MeterRecord {
  private readonly fd: number;
  private readonly module: BigInt64Array;
  private readonly io: Float64Array;
  private readonly version: Int32Array;
  private readonly turns: Int32Array;
  private readonly record = new Float64Array(8);
  private readonly bytes = new Uint8Array(this.record.buffer);

  constructor(page: ArrayBufferLike, file: string) {
    this.fd = openSync(file, 'r+');
    this.module = new BigInt64Array(page, MODULE_WORDS_OFFSET, 2);
    this.io = new Float64Array(page, IO_OFFSET, 4);
    this.version = new Int32Array(page, VERSION_OFFSET, 1);
    this.turns = new Int32Array(page, TURNS_OFFSET, 3);
  }

  /** What is true now; nothing once the last record is there. @returns whether it was written */
  write({ last = false } = {}): boolean {
    const { turns } = this;
    while (Atomics.compareExchange(turns, LOCK, 0, 1) !== 0) Atomics.wait(turns, LOCK, 1, LOCK_LOOK_MS);
    const open = Atomics.load(turns, LAST) === 0;
    if (open) {
      this.take(Atomics.add(turns, SERIAL, 1) + 1);
      writeSync(this.fd, this.bytes, 0, this.bytes.length, 0);
      if (last) Atomics.store(turns, LAST, 1);
    }
    Atomics.store(turns, LOCK, 0);
    Atomics.notify(turns, LOCK);
    return open;
  }

  /** All counts as they were at one moment of the module's way: none from before a call beside one from after it. */
  private take(serial: number): void {
    for (;;) {
      const before = Atomics.load(this.version, 0);
      this.record.set([serial, Number(Atomics.load(this.module, 0)), Number(Atomics.load(this.module, 1)) * PAGE_BYTES, ...this.io, serial]);
      if (before % 2 === 0 && Atomics.load(this.version, 0) === before) return;
    }
  }
}
