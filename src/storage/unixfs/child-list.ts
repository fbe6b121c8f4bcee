import { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';

/** An entry of a directory: what it is, and what that weighs with all below it. */
export interface Child { cid: CID; size: bigint }

/** Bytes of one piece of memory: a list that doubled would be there twice while it is copied. */
const PAGE_BYTES = 1 << 20;
const FIRST_PAGE_BYTES = 1 << 10;
/** Places are numbers of 32 bits: tens of millions of entries. */
const MAX_PAGES = 2 ** 32 / PAGE_BYTES;
/** Of one entry: what it weighs, how long CID and name are. */
const HEAD_BYTES = 8 + 2 + 2;
const MAX_PART_BYTES = 2 ** 16 - 1;

/**
 * The entries of a directory on their way into it. There may be a million: a CID of multiformats takes a kilobyte, and a million names are as many objects that
 * the garbage collector leaves lying among what it frees. This takes the bytes of both, and 16 more.
 */
export class ChildList {
  readonly #pages: Buffer[] = [];
  /** Where the last page is full to. */
  #end = PAGE_BYTES;
  /** Where each entry is, as if the pages were one. */
  #places = new Uint32Array(1 << 4);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @throws StorageError SOURCE_INVALID for a name no directory can have, or more entries than there can be */
  add(name: string, { cid, size }: Child): void {
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > MAX_PART_BYTES || cid.bytes.length > MAX_PART_BYTES) throw new StorageError('SOURCE_INVALID', 'the name of an entry is too long', { details: `${nameBytes} bytes, at most ${MAX_PART_BYTES}` });
    const page = this.#pageFor(HEAD_BYTES + cid.bytes.length + nameBytes);
    if (this.#length === this.#places.length) {
      const places = new Uint32Array(2 * this.#places.length);
      places.set(this.#places);
      this.#places = places;
    }
    this.#places[this.#length++] = PAGE_BYTES * (this.#pages.length - 1) + this.#end;
    let at = page.writeDoubleLE(Number(size), this.#end);
    at = page.writeUInt16LE(cid.bytes.length, at);
    at = page.writeUInt16LE(nameBytes, at);
    page.set(cid.bytes, at);
    this.#end = at + cid.bytes.length + page.write(name, at + cid.bytes.length);
  }

  nameOf(index: number): string {
    return this.nameBytesOf(index).toString();
  }

  /** A view of the name in UTF-8. */
  nameBytesOf(index: number): Buffer {
    const { page, at } = this.#placeOf(index);
    const start = at + HEAD_BYTES + page.readUInt16LE(at + 8);
    return page.subarray(start, start + page.readUInt16LE(at + 10));
  }

  sizeOf(index: number): number {
    const { page, at } = this.#placeOf(index);
    return page.readDoubleLE(at);
  }

  cidOf(index: number): CID {
    const { page, at } = this.#placeOf(index);
    // Not a view: it would keep all of the page.
    return CID.decode(Uint8Array.prototype.slice.call(page, at + HEAD_BYTES, at + HEAD_BYTES + page.readUInt16LE(at + 8)));
  }

  #placeOf(index: number): { page: Buffer; at: number } {
    const place = this.#places[index]!;
    return { page: this.#pages[Math.floor(place / PAGE_BYTES)]!, at: place % PAGE_BYTES };
  }

  /** The page that has room for so many bytes; the first is small at first: most directories are. */
  #pageFor(bytes: number): Buffer {
    if (this.#end + bytes > PAGE_BYTES) {
      if (this.#pages.length === MAX_PAGES) throw new StorageError('SOURCE_INVALID', 'the folder has too many entries', { details: `more than ${this.#length}` });
      this.#pages.push(Buffer.allocUnsafeSlow(this.#pages.length === 0 ? Math.max(FIRST_PAGE_BYTES, bytes) : PAGE_BYTES));
      this.#end = 0;
    }
    const page = this.#pages.at(-1)!;
    if (this.#end + bytes <= page.length) return page;
    return this.#pages[this.#pages.length - 1] = Buffer.concat([page], Math.min(PAGE_BYTES, Math.max(2 * page.length, this.#end + bytes)));
  }
}
