import { createHash } from 'node:crypto';
import { bytesToHex, concat, keccak256, toHex, type Hex } from 'viem';
import { isError } from '../../src/protocol/index.ts';
import { checkClaims, checkWindow, checkWritten, drawWindows, openWindow, windowsOf, type Windows, type WindowSource } from '../../src/evidence/index.ts';
import { randomOf, seedOf } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { LATE_DRAWS, SUBMISSIONS } from './constants.ts';
import type { Job } from './corpus.ts';
import { clusters } from './detection.ts';
import { rateOf, type Rate } from './statistics/rate.ts';

/** Share of the output that a node has when it must commit. */
export const LATE_SHARES = [0, 0.5, 0.9, 0.99] as const;

/**
 * What a node that names the right result without having it does about its windows: `growing` claims that the output grew as an honest
 * run's did, `told` does the same but was told the hash of each whole file as well, `held back` was told it, too, and claims that what it does not
 * have was written at the very end.
 */
export const LATE_WAYS = ['growing', 'told', 'held back'] as const;
export type LateWay = (typeof LATE_WAYS)[number];

/** How often opened windows contradict the result that was named; and of honest runs, which must be never. */
export interface LateResults { honest: Rate; caught: { share: number; way: LateWay; rate: Rate }[]; jobs: number; growing: number }

/**
 * Opens drawn windows of runs by the product's own code and holds them against the named result, as a client does that can fetch it. The
 * hashes stand for the bytes: equal for the same first bytes of the same file of the same result, made up where a node does not have them.
 */
export async function lateOutput(jobs: readonly Job[]): Promise<LateResults> {
  const tried: { family: string; share: number; way: LateWay | undefined; caught: boolean }[] = [];
  let growing = 0;
  let seen = 0;
  for (const job of jobs) {
    const runs = job.honest.filter(({ written, outputBytes }) => written !== null && outputBytes > 0).slice(0, SUBMISSIONS);
    if (runs.length === 0) continue;
    seen++;
    if (runs.some(growsEarly)) growing++;
    for (const run of runs) {
      const { family } = job;
      for (const caught of await contradicted(run, sourceOf(run, 1, 'growing'))) tried.push({ family, share: 1, way: undefined, caught });
      for (const share of LATE_SHARES) for (const way of LATE_WAYS) for (const caught of await contradicted(run, sourceOf(run, share, way))) tried.push({ family, share, way, caught });
    }
  }
  const rate = (of: (one: (typeof tried)[number]) => boolean) => rateOf([...clusters(tried.filter(of).map(({ family, caught }) => [family, Number(caught), 1])).values()]);
  return {
    honest: rate(({ way }) => way === undefined), jobs: seen, growing,
    caught: LATE_SHARES.flatMap((share) => LATE_WAYS.map((way) => ({ share, way, rate: rate((one) => one.way === way && one.share === share) }))),
  };
}

/** Whether some of the output was there before the end. */
function growsEarly({ written, outputBytes }: LabRun): boolean {
  return written!.files.some(({ lengths }) => lengths.some((bytes) => bytes > outputBytes / 100 && bytes < lengths.at(-1)!));
}

/** What a node commits to that has only a share of each file of the result it names. */
function sourceOf(run: LabRun, share: number, way: LateWay): WindowSource {
  const { t, files } = run.written!;
  const random = randomOf(seedOf('late', run.id, share, way));
  const madeUp = (): Hex => keccak256(toHex(String(random.uniform())));
  const histories = files.map(({ path, lengths }) => {
    const whole = lengths.at(-1)!;
    const own = Math.floor(share * whole);
    const claimed = way === 'held back' ? lengths.map((bytes, i) => (i === lengths.length - 1 ? bytes : Math.min(bytes, own))) : lengths;
    const invented = new Map<number, Hex>();
    const hashOf = (bytes: number): Hex => {
      if (bytes <= own || (bytes === whole && way !== 'growing')) return trueHash(run, path, bytes);
      return invented.get(bytes) ?? invented.set(bytes, madeUp()).get(bytes)!;
    };
    return { path, lengths: claimed, hashes: Array.from(claimed, hashOf) };
  });
  const bytes = files.reduce((sum, { lengths }) => sum + lengths.at(-1)!, 0);
  return { trace: run.trace, output: { t, noted: true, files: histories, others: { files: run.profile.files - files.length, bytes: run.profile.bytes - bytes } } };
}

/** For each of LATE_DRAWS draws, whether the windows opened contradict the result. */
async function contradicted(run: LabRun, source: WindowSource): Promise<boolean[]> {
  const windows = windowsOf(source);
  const draws = Array.from({ length: LATE_DRAWS }, (_, n) => keccak256(toHex(`${run.id} ${n}`)));
  return Promise.all(draws.map((draw) => isContradicted(run, source, windows, draw)));
}

async function isContradicted(run: LabRun, source: WindowSource, windows: Windows, draw: Hex): Promise<boolean> {
  const leaves = drawWindows(draw, windows.count).map((index) => checkWindow(openWindow(source, windows, index), { root: windows.root, trace: run.trace, index }));
  const result = new Map(run.written!.files.map(({ path, lengths }) => [path, { bytes: lengths.at(-1)!, hashes: (some: readonly number[]) => some.map((bytes) => trueHash(run, path, bytes)) }]));
  try {
    checkWritten(leaves, run.profile);
    await checkClaims(leaves, result);
    return false;
  } catch (error) {
    if (!isError(error, 'WINDOW_FALSE')) throw error;
    return true;
  }
}

function trueHash({ resultDigest }: LabRun, path: string, bytes: number): Hex {
  return bytesToHex(createHash('sha256').update(concat([resultDigest, toHex(`${path} ${bytes}`)])).digest());
}
