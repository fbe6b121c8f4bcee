/**
 * Writes sketch.json, the golden vectors of the sketch distance that the TypeScript and the Solidity implementation both must
 * reproduce: `node test/conformance/vectors/generate-sketch.ts`. Deterministic. The distances are computed here with bigint
 * arithmetic from the definition in SketchLib.sol, not with either implementation.
 */
import { writeFileSync } from 'node:fs';
import { bytesToHex } from 'viem';
import { FEATURES, LONELY_FEATURES_DIVISOR, MAX_SLACK, SKETCH_ABSENT, SKETCH_BYTES, SKETCH_CONTENT_TOLERANCE, SKETCH_VERSION } from '../../../src/evidence/constants.ts';
import { SKETCH_BLOCKS } from '../../../src/evidence/fingerprint/sketch-distance.ts';

const MAX = 2n ** 256n - 1n;
const random = mulberry32(0x6761_6475);
const vectors: { name: string; a: string; b: string; distance: string; strict: string }[] = [];

const base = withoutSlack(features(() => Math.floor(random() * 40_000)));
const add = (name: string, a: Uint8Array, b: Uint8Array): void => {
  vectors.push({ name, a: bytesToHex(a), b: bytesToHex(b), distance: distanceOf(a, b, 'tolerance').toString(), strict: distanceOf(a, b, 'strict').toString() });
};
const change = (edit: (values: number[]) => void): Uint8Array => {
  const values = [...base];
  edit(values);
  return encode(values);
};

add('equal', encode(base), encode(base));
add('all zero', encode([...base].fill(0)), encode([...base].fill(0)));
add('all absent: nothing is shared', encode([...base].fill(SKETCH_ABSENT)), encode([...base].fill(SKETCH_ABSENT)));
add('only one feature, equal', encode(only(0, 7)), encode(only(0, 7)));
add('only the last feature', encode(only(FEATURES - 1, 7)), encode(only(FEATURES - 1, 9)));
add('disjoint features', encode(only(0, 7)), encode(only(1, 7)));
add('extremes', encode([...base].fill(0)), encode([...base].fill(SKETCH_ABSENT - 1)));
add('empty bytes', new Uint8Array(), new Uint8Array());
add('empty against a sketch', new Uint8Array(), encode(base));
add('one byte short', encode(base).subarray(0, SKETCH_BYTES - 1), encode(base));
add('one byte long', encode(base), Uint8Array.from([...encode(base), 0]));
add('both one byte long', Uint8Array.from([...encode(base), 0]), Uint8Array.from([...encode(base), 0]));
for (const version of [0, SKETCH_VERSION - 1, 255]) {
  const other = encode(base);
  other[0] = version;
  add(`version ${version} on one side`, encode(base), other);
  add(`version ${version} on both sides`, other, other);
}
let offset = 0;
for (const [i, { count, curve, tolerance }] of SKETCH_BLOCKS.entries()) {
  const at = offset;
  const points = count - Number(curve);
  const budget = points * tolerance;
  const shift = (total: number) => change((values) => {
    for (let j = 0; j < points; j++) values[at + j]! += Math.floor(total / points) + (j < total % points ? 1 : 0);
  });
  add(`block ${i} at its tolerance`, encode(base), shift(budget));
  add(`block ${i} one step above`, encode(base), shift(budget + 1));
  add(`block ${i} one step below, downwards`, shift(budget - 1), encode(base));
  add(`block ${i} absent on one side`, encode(base), change((values) => values.fill(SKETCH_ABSENT, at, at + count)));
  offset += count;
}
for (const lonely of [24, 25, 30, 60, FEATURES - 1, FEATURES]) {
  add(`the last ${lonely} features on one side only`, encode(base), change((values) => values.fill(SKETCH_ABSENT, FEATURES - lonely)));
}
add('half of a block absent on both sides', change((v) => v.fill(SKETCH_ABSENT, 10, 17)), change((v) => {
  v.fill(SKETCH_ABSENT, 10, 17);
  v[20]! += 300;
}));
for (const spread of [1, 3, 10, 100, 1000, 20_000]) {
  for (let i = 0; i < 4; i++) {
    const near = change((values) => values.forEach((value, j) => {
      values[j] = Math.min(Math.max(value + Math.floor((random() * 2 - 1) * spread), 0), SKETCH_ABSENT - 1);
    }));
    add(`random, within ${spread}`, encode(base), near);
  }
}
for (let i = 0; i < 12; i++) {
  const sparse = (share: number) => encode(features(() => (random() < share ? SKETCH_ABSENT : Math.floor(random() * SKETCH_ABSENT))));
  add('random with gaps', sparse(i / 40), sparse(i / 60));
}

let slackAt = 0;
for (const [i, { count, curve, tolerance }] of SKETCH_BLOCKS.entries()) {
  slackAt += count;
  if (!curve) continue;
  const from = slackAt - count;
  const sheer = (slack: number, total: number) => change((values) => {
    values[slackAt - 1] = slack;
    for (let j = 0; j < count - 1; j++) values[from + j]! += Math.floor(total / (count - 1)) + (j < total % (count - 1) ? 1 : 0);
  });
  for (const slack of [0, 1, tolerance, 4 * tolerance, 4 * tolerance + 1, SKETCH_ABSENT - 1, SKETCH_ABSENT]) {
    add(`block ${i} with a slack of ${slack} on both sides`, sheer(slack, 0), sheer(slack, 6 * (count - 1) * tolerance));
    add(`block ${i} with a slack of ${slack} on one side`, sheer(slack, 0), sheer(0, 3 * (count - 1) * tolerance));
  }
}
for (const bits of [0, 1, 15, 16, 17, 32, 63, 64]) {
  add(`${bits} bits of content differ`, encode(base), encode(base, (1n << BigInt(bits)) - 1n));
  add(`${bits} other bits of content differ`, encode(base, 0x0123_4567_89ab_cdefn), encode(base, 0x0123_4567_89ab_cdefn ^ (((1n << BigInt(bits)) - 1n) << BigInt(64 - bits))));
}

writeFileSync(new URL('sketch.json', import.meta.url), `[\n${vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(',\n')}\n]\n`);

function distanceOf(a: Uint8Array, b: Uint8Array, by: 'tolerance' | 'strict'): bigint {
  if (a.length !== SKETCH_BYTES || b.length !== SKETCH_BYTES || a[0] !== SKETCH_VERSION || b[0] !== SKETCH_VERSION) return MAX;
  const [x, y] = [decode(a), decode(b)];
  const distances: bigint[] = [];
  let [at, shared, lonely] = [0, 0, 0];
  for (const { count, curve, [by]: tolerance } of SKETCH_BLOCKS) {
    const pairs = x.slice(at, at + count - Number(curve)).map((value, i) => [value, y[at + i]!] as const);
    const both = pairs.filter(([p, q]) => p !== SKETCH_ABSENT && q !== SKETCH_ABSENT);
    lonely += pairs.filter(([p, q]) => (p === SKETCH_ABSENT) !== (q === SKETCH_ABSENT)).length;
    shared += both.length;
    const sum = both.reduce((total, [p, q]) => total + BigInt(Math.abs(p - q)), 0n);
    const slacks = curve ? [x, y].map((sketch) => sketch[at + count - 1]!).filter((slack) => slack !== SKETCH_ABSENT) : [];
    const slack = BigInt(Math.min(slacks.reduce((total, one) => total + one, 0), MAX_SLACK * tolerance) * both.length);
    if (both.length > 0) distances.push((1000n * (sum > slack ? sum - slack : 0n)) / BigInt(both.length * tolerance));
    at += count;
  }
  if (by === 'strict') distances.push((1000n * BigInt((contentOf(a) ^ contentOf(b)).toString(2).replaceAll('0', '').length)) / BigInt(SKETCH_CONTENT_TOLERANCE));
  if (shared === 0 || lonely * LONELY_FEATURES_DIVISOR > shared) return MAX;
  return distances.reduce((worst, distance) => (distance > worst ? distance : worst), 0n);
}

function features(value: () => number): number[] {
  return Array.from({ length: FEATURES }, value);
}

/** Curves known to the last step, so that what a block is off shows in full. */
function withoutSlack(values: number[]): number[] {
  let end = 0;
  for (const { count, curve } of SKETCH_BLOCKS) {
    end += count;
    if (curve) values[end - 1] = 0;
  }
  return values;
}

function only(index: number, value: number): number[] {
  const values = features(() => SKETCH_ABSENT);
  values[index] = value;
  return values;
}

function contentOf(sketch: Uint8Array): bigint {
  return Buffer.from(sketch).readBigUInt64BE(1 + 2 * FEATURES);
}

function encode(values: readonly number[], content = 0n): Uint8Array {
  const tail = Buffer.alloc(8);
  tail.writeBigUInt64BE(content);
  return Uint8Array.from([SKETCH_VERSION, ...values.flatMap((value) => [value >> 8, value & 0xff]), ...tail]);
}

function decode(sketch: Uint8Array): number[] {
  return features(() => 0).map((_, i) => (sketch[1 + 2 * i]! << 8) | sketch[2 + 2 * i]!);
}

/** A small repeatable random number generator (Tommy Ettinger, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
