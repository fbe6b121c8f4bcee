import { CURSOR_IDLE_WRITE_MS, CURSOR_WRITE_MS, REORG_DEPTH_BLOCKS } from '../constants.ts';
import { writeCursor, type Cursor, type ProcessedBlock } from './cursor-file.ts';

/** How far a watcher has come: the cursor in memory, and when it goes to disk. */
export class Place {
  readonly cursor: Readonly<Cursor>;
  readonly #cursor: Cursor;
  readonly #file: string | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #dirty = false;

  /** @param file where the cursor survives a restart; undefined keeps it in memory only */
  constructor(cursor: Cursor, file: string | undefined) {
    this.cursor = cursor;
    this.#cursor = cursor;
    this.#file = file;
  }

  /** The newest block whose hash is known. */
  get newest(): ProcessedBlock | undefined {
    return this.#cursor.recent.at(-1);
  }

  /** A block is delivered, with all its logs. */
  remember(block: ProcessedBlock): void {
    const cursor = this.#cursor;
    cursor.recent.push(block);
    if (cursor.recent.length > REORG_DEPTH_BLOCKS) {
      cursor.recent.shift();
      cursor.complete = false;
    }
    cursor.block = block.number;
    this.#dirty = true;
  }

  /** Everything up to a block is delivered; writes it down if it is time. @param busy whether there was anything to deliver @throws ChainError CURSOR_UNWRITABLE */
  async reach(block: number, busy: boolean): Promise<void> {
    this.#cursor.block = Math.max(this.#cursor.block, block);
    this.#dirty = true;
    if (performance.now() - this.#writtenAt > (busy ? CURSOR_WRITE_MS : CURSOR_IDLE_WRITE_MS)) await this.#write();
  }

  /** Forgets all above one of the remembered blocks, or with -1 all since the start. @throws ChainError CURSOR_UNWRITABLE */
  async goBack(keep: number): Promise<void> {
    this.#cursor.block = this.blockAt(keep);
    this.#cursor.recent.splice(keep + 1);
    await this.#write();
  }

  /** Number of one of the remembered blocks, or with -1 of the one before the first that was read. */
  blockAt(keep: number): number {
    return this.#cursor.recent[keep]?.number ?? this.#cursor.start;
  }

  /** Writes what is not on disk yet. @throws ChainError CURSOR_UNWRITABLE */
  async flush(): Promise<void> {
    if (this.#dirty) await this.#write();
  }

  async #write(): Promise<void> {
    if (this.#file !== undefined) await writeCursor(this.#file, this.#cursor);
    this.#writtenAt = performance.now();
    this.#dirty = false;
  }
}
