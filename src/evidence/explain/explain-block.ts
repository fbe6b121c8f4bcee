import { formatBytes } from '../../protocol/spec/units.ts';
import { BLOCKS, CONTENT_BLOCK, CURVE_POINTS, FLOORS, type BlockName } from '../constants.ts';
import { contentSimilarity } from '../fingerprint/content-minima.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';

/** How a total reads in a sentence: how much `less` or `more` of it there is, and in which unit. */
interface Total { less: string; more: string; none: string; floor: number; unit: (value: number) => string; say: (amount: string) => string }

const whole = (value: number) => Math.round(value).toLocaleString('en');
const bytes = (value: number) => formatBytes(Math.round(value));
const seconds = (ns: number) => `${(ns / 1e9).toFixed(2)} s`;
const total = (floor: number, unit: Total['unit'], [less, more]: [string, string], none: string, say: Total['say']): Total => ({ floor, unit, less, more, none, say });
const many: [string, string] = ['fewer', 'more'];
const TOTALS: Partial<Record<BlockName, Total>> = {
  'peak memory': total(FLOORS.residentBytes, bytes, ['lower', 'higher'], 'hardly any memory', (amount) => `peak memory ${amount}`),
  'page faults': total(FLOORS.minorFaults, whole, many, 'hardly any page faults', (amount) => `${amount} page faults`),
  'bytes read': total(FLOORS.readBytes, bytes, many, 'reads hardly anything', (amount) => `reads ${amount} bytes`),
  'bytes written': total(FLOORS.writtenBytes, bytes, many, 'writes hardly anything', (amount) => `writes ${amount} bytes`),
  'read calls': total(FLOORS.readCalls, whole, many, 'hardly any read calls', (amount) => `${amount} read calls`),
  'write calls': total(FLOORS.writeCalls, whole, many, 'hardly any write calls', (amount) => `${amount} write calls`),
  'CPU time': total(FLOORS.cpuNs, seconds, ['less', 'more'], 'hardly any CPU time', (amount) => `${amount} CPU time`),
  instructions: total(FLOORS.instructions, whole, many, 'no instructions', (amount) => `${amount} instructions`),
  'output size': total(FLOORS.outputBytes, bytes, ['smaller', 'larger'], 'hardly any output', (amount) => `output ${amount}`),
};

/** Below this share of the reference a total is called none: a factor of millions tells nobody anything. */
const NEXT_TO_NOTHING = 1e-3;
const THIRDS = ['first third', 'middle third', 'last third'] as const;

/** What one block says of a replica beside a reference, in words and amounts; both must have the block. */
export function explainBlock(name: BlockName, reference: Fingerprint, replica: Fingerprint): string {
  const [was, is] = [featuresOf(name, reference), featuresOf(name, replica)];
  if (TOTALS[name] !== undefined) return explainTotal(TOTALS[name], was[0]!, is[0]!);
  if (name === 'memory over work') return explainMemory(was, is);
  if (name === 'output entropy') {
    const means = [mean(was), mean(is)] as const;
    return Math.abs(means[1] - means[0]) < 0.05 ? 'entropy along the output differs' : `output entropy ${means[1].toFixed(1)} instead of ${means[0].toFixed(1)} bits a byte`;
  }
  if (name === CONTENT_BLOCK) {
    const similarity = contentSimilarity(reference.content!, replica.content!);
    return similarity < 0.1 ? 'output with other content' : `${Math.round((1 - similarity) * 100)} % of the output's content differs`;
  }
  if (name === 'output byte values') return 'other byte values in the output';
  return explainProgress(name.replace(' over work', ''), was, is);
}

/** An amount with its unit, as a block's total has it: `104 MiB`; undefined for a block that is no total, or where it is absent. */
export function amountOf(name: BlockName, fingerprint: Fingerprint): string | undefined {
  const one = TOTALS[name];
  const value = one === undefined ? Number.NaN : featuresOf(name, fingerprint)[0]!;
  return Number.isNaN(value) ? undefined : one!.unit(amountIn(one!, value));
}

function explainTotal(one: Total, was: number, is: number): string {
  const [before, now] = [amountIn(one, was), amountIn(one, is)];
  const factor = now / before;
  const amounts = `(${one.unit(now)} instead of ${one.unit(before)})`;
  return `${factor < NEXT_TO_NOTHING ? one.none : one.say(comparative(factor, factor < 1 ? one.less : one.more))} ${amounts}`;
}

/** Undoes log2(1 + value / floor). */
function amountIn({ floor }: Total, feature: number): number {
  return (2 ** feature - 1) * floor;
}

/** The curve is how far, in octaves, memory is below its peak. */
function explainMemory(was: Float64Array, is: Float64Array): string {
  const { third, difference } = worstThird(was, is);
  const factor = 2 ** -difference;
  return `memory over work takes another course: ${comparative(factor, factor < 1 ? 'lower' : 'higher')}, beside its peak, in the ${third} of the work`;
}

/** The curve is the share done of what the run does in all. */
function explainProgress(what: string, was: Float64Array, is: Float64Array): string {
  const { third, before, now } = worstThird(was, is);
  return `${what} over work takes another course: ${percent(now)} of it instead of ${percent(before)} done in the ${third} of the work`;
}

function worstThird(was: Float64Array, is: Float64Array): { third: string; before: number; now: number; difference: number } {
  const thirds = THIRDS.map((third, i) => {
    const part = (curve: Float64Array) => mean(curve.subarray(Math.floor((i * CURVE_POINTS) / 3), Math.floor(((i + 1) * CURVE_POINTS) / 3)));
    const [before, now] = [part(was), part(is)];
    return { third, before, now, difference: now - before };
  });
  return thirds.reduce((worst, one) => (Math.abs(one.difference) > Math.abs(worst.difference) ? one : worst));
}

function comparative(factor: number, word: string): string {
  if (factor === Infinity) return word;
  if (factor >= 2) return `${times(factor)}x ${word}`;
  if (factor <= 0.5) return `${times(1 / factor)}x ${word}`;
  return `${Math.abs(Math.round((factor - 1) * 1000) / 10)} % ${word}`;
}

function times(factor: number): string {
  return factor < 10 ? String(Math.round(factor * 10) / 10) : whole(factor);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A block's features; of a curve its points, at most. */
function featuresOf(name: BlockName, { features }: Fingerprint): Float64Array {
  const place = BLOCKS.findIndex((block) => block.name === name);
  const at = BLOCKS.slice(0, place).reduce((sum, { count }) => sum + count, 0);
  const block = BLOCKS[place];
  return features.subarray(at, at + (block === undefined ? 0 : block.kind === 'curve' ? CURVE_POINTS : block.count));
}
