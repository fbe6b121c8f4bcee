import { setTimeout as sleep } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { MAX_ERRORS_PER_SOURCE, SOURCE_OVERTAKE_MS, SOURCE_STALL_TIMEOUT_MS } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { DagSink, Source, SourceReport } from '../source.ts';
import { createSuspects, type Suspects } from './suspects.ts';
import { verifyBlock } from '../blocks/verify.ts';

/** The sources of one fetch, asked in order; remembers who served what, and who is not to be asked again. */
export interface Cascade {
  /** A verified block from the first source that has it. @throws StorageError NOT_FOUND, listing every source and why; the signal's reason */
  read(cid: CID, options: { signal: AbortSignal; among?: (source: Source) => boolean; borrowed?: boolean }): Promise<{ bytes: Uint8Array; source: Source }>;
  /** Of many leaves the bytes of each that the first source which can say so has, verified, and which that is; -1 for the rest, which are to be read one by one. @throws the signal's reason */
  check(leaves: readonly CID[], options: { signal: AbortSignal }): Promise<{ bytes: Int32Array; source: Source } | undefined>;
  /** Lets one source stream what a DAG lacks; returns when it has no more, for whatever reason, which is noted. @throws the signal's reason */
  stream(source: Source, sink: DagSink, options: { signal: AbortSignal }): Promise<void>;
  report(): SourceReport[];
}

export interface CascadeInit {
  /** What earlier fetches learned of these sources. */
  suspects?: Suspects;
  overtakeMs?: number;
  stallTimeoutMs?: number;
}

interface State { source: Source; report: SourceReport; active: number; since: number; slow: boolean; dropped?: string; errors: Set<string> }
type Outcome = { state: State; bytes: Uint8Array } | { state: State; error: unknown };

/**
 * Makes a cascade for one fetch. Every block is verified whoever sent it; later sources never see a block that an earlier one has.
 *
 * A source that serves a wrong block is dropped at once, and not asked by other fetches for a while either. One that has not answered
 * after `overtakeMs` is overtaken: the next is asked as well, the first verified answer counts, and whoever was overtaken comes last
 * from then on. One that has not answered after `stallTimeoutMs` is dropped, unless it is on this machine.
 */
export function createCascade(
  sources: readonly Source[],
  { suspects = createSuspects(), overtakeMs = SOURCE_OVERTAKE_MS, stallTimeoutMs = SOURCE_STALL_TIMEOUT_MS }: CascadeInit = {},
): Cascade {
  const states = sources.map((source): State => ({
    source, active: 0, since: 0, slow: false, errors: new Set(), report: { name: source.name, local: source.local === true, blocks: 0, bytes: 0, ms: 0, errors: [] },
  }));

  async function attempt(state: State, cid: CID, signal: AbortSignal, borrowed: boolean): Promise<Outcome> {
    // A disk that is busy is waited for: what is on it is often nowhere else.
    const stall = state.source.local === true ? undefined : AbortSignal.timeout(stallTimeoutMs);
    const either = anySignal(signal, stall);
    if (state.active++ === 0) state.since = performance.now();
    try {
      // The race frees us from a source that ignores its signal.
      const bytes = await abortable(state.source.read(cid, { signal: either, borrowed }), either);
      verifyBlock(cid, bytes);
      return { state, bytes };
    } catch (error) {
      if (signal.aborted || stall?.aborted !== true) return { state, error };
      return { state, error: new StorageError('STALLED', 'nothing came', { details: `within ${stallTimeoutMs} ms`, cause: error }) };
    } finally {
      if (--state.active === 0) state.report.ms += performance.now() - state.since;
    }
  }

  /** Notes why a source did not serve; who lied or stalled is dropped. @returns the reason */
  function blame(state: State, error: unknown): string {
    const reason = messageOf(error);
    const lied = isError(error, 'BLOCK_INVALID', 'BLOCK_TOO_LARGE');
    if (lied || isError(error, 'STALLED')) state.dropped = `not asked again: ${reason}`;
    if (lied) suspects.note(state.source.name, `not asked for a while: ${reason}`);
    if (!isError(error, 'NOT_FOUND')) note(state, reason);
    return reason;
  }

  return {
    async read(cid, { signal, among = () => true, borrowed = false }) {
      signal.throwIfAborted();
      const reasons = new Map<State, string>();
      const asked = states.filter(({ source }) => among(source));
      const waiting = [...asked.filter(({ slow }) => !slow), ...asked.filter(({ slow }) => slow)];
      const over = new AbortController();
      const until = anySignal(signal, over.signal);
      const running = new Map<State, Promise<Outcome>>();
      const askNext = () => {
        for (let state = waiting.shift(); state !== undefined; state = waiting.shift()) {
          const refused = state.dropped ?? suspects.reasonFor(state.source.name);
          if (refused === undefined) {
            running.set(state, attempt(state, cid, until, borrowed));
            return;
          }
          note(state, refused);
          reasons.set(state, refused);
        }
      };
      try {
        askNext();
        while (running.size > 0) {
          const outcome = await firstOf([...running.values()], waiting.length > 0 ? overtakeMs : undefined);
          signal.throwIfAborted();
          if (outcome === undefined) {
            askNext();
          } else if ('bytes' in outcome) {
            const { state, bytes } = outcome;
            running.delete(state);
            state.report.blocks++;
            state.report.bytes += bytes.length;
            for (const loser of running.keys()) {
              loser.slow = true;
              note(loser, `overtaken by ${state.source.name} after ${overtakeMs} ms`);
            }
            return { bytes, source: state.source };
          } else {
            running.delete(outcome.state);
            reasons.set(outcome.state, blame(outcome.state, outcome.error));
            if (running.size === 0) askNext();
          }
        }
      } finally {
        over.abort(new Error('another source was faster'));
      }
      const list = asked.map((state) => `${state.source.name}: ${reasons.get(state)}${earlier(state, reasons.get(state))}`).join('; ');
      throw new StorageError('NOT_FOUND', 'no source has the block', { details: `${cid} (${list || 'there are no sources'})` });
    },
    async check(leaves, { signal }) {
      signal.throwIfAborted();
      const state = states.find(({ source }) => source.check !== undefined);
      if (state === undefined) return undefined;
      if (state.active++ === 0) state.since = performance.now();
      try {
        const bytes = await abortable(state.source.check!(leaves), signal).catch((error: unknown) => {
          signal.throwIfAborted();
          note(state, messageOf(error));
        });
        if (bytes === undefined) return undefined;
        for (const one of bytes) {
          if (one < 0) continue;
          state.report.blocks++;
          state.report.bytes += one;
        }
        return { bytes, source: state.source };
      } finally {
        if (--state.active === 0) state.report.ms += performance.now() - state.since;
      }
    },
    async stream(source, sink, { signal }) {
      const state = states.find((one) => one.source === source);
      const refused = state?.dropped ?? suspects.reasonFor(source.name);
      if (state === undefined || source.stream === undefined) return;
      if (refused !== undefined) return note(state, refused);
      if (state.active++ === 0) state.since = performance.now();
      try {
        await source.stream({
          ...sink,
          async take(cid, bytes) {
            const useful = await sink.take(cid, bytes);
            if (useful) {
              state.report.blocks++;
              state.report.bytes += bytes.length;
            }
            return useful;
          },
        }, { signal });
      } catch (error) {
        signal.throwIfAborted();
        blame(state, error);
      } finally {
        if (--state.active === 0) state.report.ms += performance.now() - state.since;
      }
    },
    report: () => states.map(({ report, errors }) => ({ ...report, ms: Math.round(report.ms), errors: [...errors] })),
  };
}

/** The first outcome, or undefined when there is none within the time. */
async function firstOf(outcomes: Promise<Outcome>[], withinMs: number | undefined): Promise<Outcome | undefined> {
  if (withinMs === undefined) return Promise.race(outcomes);
  const timer = new AbortController();
  try {
    return await Promise.race([...outcomes, sleep(withinMs, undefined, { signal: timer.signal, ref: false }).catch(() => undefined)]);
  } finally {
    timer.abort();
  }
}

/** What went wrong with a source before, in the same fetch: that it has nothing now may come of that. */
function earlier({ errors }: State, now: string | undefined): string {
  const before = [...errors].filter((error) => error !== now);
  return before.length === 0 ? '' : ` (before that: ${before.join(', ')})`;
}

function note(state: State, reason: string): void {
  if (state.errors.size < MAX_ERRORS_PER_SOURCE) state.errors.add(reason);
}
