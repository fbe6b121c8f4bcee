import { MIN_CLASS_RUNS, SKETCH_THRESHOLD } from '../constants.ts';
import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import { blockDistances, DISTANCE_BLOCKS } from './block-distances.ts';
import type { Precedent } from './precedent.ts';
import { middleOf, strangenessOf } from './strangeness.ts';

/** One run of the class, and its distances to all others, each list ascending. */
interface Row { sketch: Uint8Array; distances: number[]; blocks: number[][] }

/**
 * The runs of one class of jobs, newest last, with what `precedentOf` needs to know of them kept up to date: to look at a run, to take one in
 * or to drop one costs its distances to the others, and not those of all to all.
 */
export class RunClass {
  readonly #rows: Row[] = [];
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
    for (const other of this.#rows) {
      note(other, sketch, insert);
      note(row, other.sketch, insert);
    }
    this.#rows.push(row);
    this.#spread = undefined;
  }

  /** Forgets the oldest run. */
  drop(): void {
    const row = this.#rows.shift();
    if (row === undefined) return;
    for (const other of this.#rows) note(other, row.sketch, remove);
    this.#spread = undefined;
  }

  /** The same as `precedentOf(past, sketch)`. */
  look(sketch: Uint8Array): Precedent {
    const own: number[] = [];
    let alike = 0;
    const ranks = this.#rows.map((row) => {
      const apart = sketchDistance(sketch, row.sketch).distance;
      if (apart <= SKETCH_THRESHOLD) alike++;
      own.push(apart);
      return lowerMedianWith(row.distances, sketchDistance(row.sketch, sketch).distance);
    });
    own.sort(ascending);
    const rank = own[(own.length - 1) >> 1] ?? 0;
    const runs = this.#rows.length;
    return {
      runs, alike,
      p: (ranks.filter((other) => other >= rank).length + 1) / (runs + 1),
      ...(runs < MIN_CLASS_RUNS ? {} : { strangeness: strangenessOf({ past: this.#rows.map((row) => row.sketch), spread: this.#spread ??= spreadOf(this.#rows) }, sketch) }),
    };
  }
}

/** Puts a run's distances from another into its lists, or takes them out. */
function note({ sketch, distances, blocks }: Row, other: Uint8Array, change: (sorted: number[], value: number) => void): void {
  change(distances, sketchDistance(sketch, other).distance);
  const apart = blockDistances(sketch, other);
  for (let k = 0; k < apart.length; k++) if (!Number.isNaN(apart[k]!)) change(blocks[k]!, apart[k]!);
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
