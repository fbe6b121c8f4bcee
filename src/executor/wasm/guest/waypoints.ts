import { FIRST_IO, GROWTH_OFFSET, GROWTH_SHIFT, GROWTH_STEPS, INSTRUCTIONS, MS, PAGE_BYTES, READ_BYTES, RESIDENT_BYTES, STATE_FIELDS, WRITTEN_BYTES } from './meter-page.ts';

/** Most states kept at calls, always two of one call. */
const MAX_AT_CALLS = 1024;
/** A call's states are kept when one of its counts has grown by this share since the last ones kept, at first. */
const FIRST_SHARE = 1 / 32;
/** Less than this, in each count's unit, is not a step: the evidence's noise floors. */
const FLOORS: readonly (readonly [field: number, floor: number])[] = [[INSTRUCTIONS, 100_000], [FIRST_IO + READ_BYTES, 65_536], [FIRST_IO + WRITTEN_BYTES, 65_536]];
/** The memory's steps that are kept are this far apart, in octaves over 16 MiB. */
const MEMORY_STEP = 1 / 32;
const MEMORY_FLOOR_BYTES = 16 * 1024 ** 2;

/**
 * The moments at which a module's counts turn: before and after calls that move bytes, and where its memory grows. Between two of them, it
 * only computes; so the way from one to the next is known exactly, however seldom somebody looks at the counts from outside. Which moments are kept depends on the
 * counts alone and not on the clock: the same module with the same input has the same ones everywhere.
 */
export class Waypoints {
  private readonly rows = new Float64Array(MAX_AT_CALLS * STATE_FIELDS);
  private length = 0;
  private share = FIRST_SHARE;
  private readonly start: Float64Array;

  /** @param start the state before the first instruction */
  constructor(start: Float64Array) {
    this.start = start.slice();
  }

  /** One call: the states around it. */
  add(before: Float64Array, after: Float64Array): void {
    if (!this.turns(this.length === 0 ? this.start : this.row(this.length - 1), after)) return;
    while (this.length === MAX_AT_CALLS) this.thin();
    this.rows.set(before, this.length * STATE_FIELDS);
    this.rows.set(after, (this.length + 1) * STATE_FIELDS);
    this.length += 2;
  }

  /** All of them in order, the end last, with the memory's steps from the meter's page. */
  finish(end: Float64Array, page: ArrayBufferLike): Float64Array[] {
    const states = [...Array.from({ length: this.length }, (_, i) => this.row(i)), end];
    const out: Float64Array[] = [];
    let from = this.start;
    let level = 0;
    let next = 0;
    const steps = growth(page, this.start[RESIDENT_BYTES]!);
    for (const to of states) {
      for (; next < steps.length && steps[next]!.instructions <= to[INSTRUCTIONS]!; next++) {
        const { instructions, bytes } = steps[next]!;
        const moment = between(from, to, instructions);
        level = Math.max(level, from[RESIDENT_BYTES]!);
        for (const size of [level, bytes]) {
          const row = moment.slice();
          row[RESIDENT_BYTES] = size;
          out.push(row);
        }
        level = bytes;
      }
      out.push(from = to);
    }
    return out;
  }

  private row(i: number): Float64Array {
    return this.rows.subarray(i * STATE_FIELDS, (i + 1) * STATE_FIELDS);
  }

  private turns(from: Float64Array, to: Float64Array): boolean {
    return FLOORS.some(([field, floor]) => to[field]! - from[field]! >= this.share * (from[field]! + floor));
  }

  /** Keeps what is twice as far apart. */
  private thin(): void {
    this.share *= 2;
    let kept = 0;
    for (let i = 0; i < this.length; i += 2) {
      if (!this.turns(kept === 0 ? this.start : this.row(kept - 1), this.row(i + 1))) continue;
      this.rows.copyWithin(kept * STATE_FIELDS, i * STATE_FIELDS, (i + 2) * STATE_FIELDS);
      kept += 2;
    }
    this.length = kept;
  }
}

/** Steps of a memory that began with so many bytes. */
function growth(page: ArrayBufferLike, bytesAtStart: number): { instructions: number; bytes: number }[] {
  const words = new BigInt64Array(page, GROWTH_OFFSET, GROWTH_STEPS);
  const octaves = (bytes: number) => Math.log2(1 + bytes / MEMORY_FLOOR_BYTES);
  const steps: { instructions: number; bytes: number }[] = [];
  let last = octaves(bytesAtStart);
  words.forEach((word, step) => {
    const bytes = (step << GROWTH_SHIFT) * PAGE_BYTES;
    if (word === 0n || octaves(bytes) < last + MEMORY_STEP) return;
    last = octaves(bytes);
    steps.push({ instructions: Number(word), bytes });
  });
  return steps;
}

/** The moment of an instruction between two states: nothing but instructions went on between them. */
function between(from: Float64Array, to: Float64Array, instructions: number): Float64Array {
  const all = to[INSTRUCTIONS]! - from[INSTRUCTIONS]!;
  const share = all > 0 ? (instructions - from[INSTRUCTIONS]!) / all : 1;
  const moment = from.map((value, field) => Math.round(value + share * (to[field]! - value)));
  moment[MS] = from[MS]! + share * (to[MS]! - from[MS]!);
  moment[INSTRUCTIONS] = instructions;
  return moment;
}
