import type { IoListener } from './count-io.ts';
import { FIRST_IO, INSTRUCTIONS, IO_OFFSET, MODULE_WORDS_OFFSET, MS, PAGE_BYTES, RESIDENT_BYTES, STATE_FIELDS, VERSION_OFFSET } from './meter-page.ts';
import { Waypoints } from './waypoints.ts';

/** 2^32. */
const HIGH_WORD = 4_294_967_296;
/** From this process's clock to the machine's, ms. */
const SINCE_BOOT_MS = (([seconds, nanoseconds]) => seconds * 1e3 + nanoseconds / 1e6 - performance.now())(process.hrtime());

/** The runner's side of the meter's page: counts calls, and keeps the moments that matter. */
export class ModuleMeter implements IoListener {
  private readonly page: ArrayBufferLike;
  /** As 32-bit halves: a BigInt each time would be garbage, and this is called for every call of the module. */
  private readonly words: Uint32Array;
  private readonly io: Float64Array;
  private readonly version: Int32Array;
  private readonly earlier = new Float64Array(STATE_FIELDS);
  private readonly later = new Float64Array(STATE_FIELDS);
  private readonly waypoints: Waypoints;

  constructor(page: ArrayBufferLike, initialPages: number) {
    this.page = page;
    this.words = new Uint32Array(page, MODULE_WORDS_OFFSET, 4);
    this.io = new Float64Array(page, IO_OFFSET, 4);
    this.version = new Int32Array(page, VERSION_OFFSET, 1);
    this.words[2] = initialPages;
    this.waypoints = new Waypoints(this.state(this.earlier));
  }

  before(): void {
    this.state(this.earlier);
  }

  after(bytesField: number, callsField: number, bytes: number): void {
    Atomics.add(this.version, 0, 1);
    this.io[callsField]!++;
    this.io[bytesField]! += bytes;
    Atomics.add(this.version, 0, 1);
    this.waypoints.add(this.earlier, this.state(this.later));
  }

  finish(): Float64Array[] {
    return this.waypoints.finish(this.state(this.later), this.page);
  }

  private state(into: Float64Array): Float64Array {
    const { words } = this;
    into[MS] = SINCE_BOOT_MS + performance.now();
    into[INSTRUCTIONS] = words[0]! + words[1]! * HIGH_WORD;
    into[RESIDENT_BYTES] = words[2]! * PAGE_BYTES;
    into.set(this.io, FIRST_IO);
    return into;
  }
}
