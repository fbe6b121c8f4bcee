import { MIN_CLASS_RUNS, SKETCH_THRESHOLD } from '../constants.ts';
import { MAX_REPLICAS } from '../../protocol/constants.ts';
import { apartOf, type Apart } from './apart-of.ts';
import { CPU_BLOCK, DISTANCE_BLOCKS } from './block-distances.ts';
import type { Precedent } from './precedent.ts';
import { deviationsOf, middleOf, strangenessBy } from './strangeness.ts';

/** One run of the class, and its distances to all others, each list ascending. */
interface Row { sketch: Uint8Array; distances: number[]; blocks: number[][] }

/**
 * The runs of one class of jobs, newest last, with their distances kept up to date: to look at a run, to take one in or to drop one costs its
 * distances to the others, and not those of all to all.
 */
export class RunClass {
  readonly #rows: Row[] = [];
  /** Of the last sketches that were looked at, how far they are from the runs of the class. */
  readonly #looked = new Map<string, WeakMap<Row, Apart>>();
  /** Made when it is asked for. */
  #spread: Float64Array | undefined;

  constructor(past: readonly Uint8Array[] = []) {
    for (const sketch of past) this.add(sketch);
  }

  get size(): number {
    return this.#rows.length;
  }

  add(sketch: Uint8Array): void {
    const row: Row = { sketch, distances: [], blocks: DISTANCE_BLOCKS.map(() => []) };
    const from = this.#from(sketch);
    for (const other of this.#rows) {
      const apart = from(other);
      note(row, apart, insert);
      note(other, apart, insert, -1);
    }
    this.#rows.push(row);
    this.#spread = undefined;
  }

  /** Tells how far a sketch is from each run of the class, and remembers it: whoever is looked at is often taken in next. */
  #from(sketch: Uint8Array): (row: Row) => Apart {
    const key = Buffer.from(sketch.buffer, sketch.byteOffset, sketch.byteLength).toString('latin1');
    const known = this.#looked.get(key) ?? new WeakMap<Row, Apart>();
    this.#looked.set(key, known);
    if (this.#looked.size > MAX_REPLICAS) this.#looked.delete(this.#looked.keys().next().value!);
    return (row) => {
      let apart = known.get(row);
      if (apart === undefined) known.set(row, apart = apartOf(sketch, row.sketch));
      return apart;
    };
  }

  /** Forgets the oldest run. */
  drop(): void {
    const row = this.#rows.shift();
    if (row === undefined) return;
    for (const other of this.#rows) note(other, apartOf(other.sketch, row.sketch), remove);
    this.#spread = undefined;
  }

  /**
   * Holds a run against the class its job belongs to: what a single replica, or two that disagree, can be compared with. The p-value ranks runs
   * by the lower median of its sketch's distances to the other runs', the same for old and new, so that the p-value holds whatever the distances'
   * distribution is (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 2.2).
   */
  look(sketch: Uint8Array): Precedent {
    const aparts = this.#rows.map(this.#from(sketch));
    const own = aparts.map(({ distance }) => distance).sort(ascending);
    const alike = own.filter((distance) => distance <= SKETCH_THRESHOLD).length;
    const ranks = this.#rows.map((row, i) => lowerMedianWith(row.distances, aparts[i]!.distance));
    const rank = own[(own.length - 1) >> 1] ?? 0;
    const runs = this.#rows.length;
    return {
      runs, alike,
      p: (ranks.filter((other) => other >= rank).length + 1) / (runs + 1),
      ...(runs < MIN_CLASS_RUNS ? {} : { strangeness: strangenessBy({ past: this.#rows.map((row) => row.sketch), spread: this.#spread ??= spreadOf(this.#rows) }, deviationsOf(aparts)) }),
    };
  }
}

/** Puts a run's distances from another into its lists, or takes them out. @param side -1 where it is the second of the two */
function note(row: Row, { distance, blocks }: Apart, change: (sorted: number[], value: number) => void, side: 1 | -1 = 1): void {
  change(row.distances, distance);
  for (let k = 0; k < blocks.length; k++) {
    const value = k === CPU_BLOCK ? side * blocks[k]! : blocks[k]!;
    if (!Number.isNaN(value)) change(row.blocks[k]!, value);
  }
}

/** As in `classModel`. */
function spreadOf(rows: readonly Row[]): Float64Array {
  const spread = new Float64Array(DISTANCE_BLOCKS.length);
  for (const { blocks } of rows) for (let k = 0; k < spread.length; k++) spread[k]! += middleOf(blocks[k]!, k) ** 2;
  return spread;
}

/** Lower median of ascending numbers and one more. */
function lowerMedianWith(sorted: readonly number[], value: number): number {
  const middle = sorted.length >> 1;
  const place = placeOf(sorted, value);
  return place === middle ? value : sorted[place < middle ? middle - 1 : middle]!;
}

function insert(sorted: number[], value: number): void {
  sorted.splice(placeOf(sorted, value), 0, value);
}

function remove(sorted: number[], value: number): void {
  sorted.splice(placeOf(sorted, value), 1);
}

/** Index of the first number that is not below the value. */
function placeOf(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const at = (from + to) >> 1;
    if (sorted[at]! < value) from = at + 1;
    else to = at;
  }
  return from;
}

function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
