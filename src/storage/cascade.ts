import type { CID } from 'multiformats/cid';
import { isError, messageOf } from '../protocol/errors.ts';
import { MAX_ERRORS_PER_SOURCE, SOURCE_STALL_TIMEOUT_MS } from './constants.ts';
import { StorageError } from './errors.ts';
import { abortable } from '../protocol/abortable.ts';
import type { Source, SourceReport } from './source.ts';
import { verifyBlock } from './verify.ts';

/** The sources of one fetch, asked in order; remembers who served what, and who is not to be asked again. */
export interface Cascade {
  /** A verified block from the first source that has it. @throws StorageError NOT_FOUND, listing every source and why; the signal's reason */
  read(cid: CID, options: { signal: AbortSignal }): Promise<{ bytes: Uint8Array; source: string }>;
  report(): SourceReport[];
}

interface State { source: Source; report: SourceReport; active: number; since: number; dropped?: string; errors: Set<string> }

/**
 * Makes a cascade for one fetch. Every block is verified whoever sent it; a source that serves a wrong block, or none within the
 * stall timeout, is not asked again. The later sources never see a block that an earlier one has.
 */
export function createCascade(sources: readonly Source[], { stallTimeoutMs = SOURCE_STALL_TIMEOUT_MS } = {}): Cascade {
  const states = sources.map((source): State => ({
    source, active: 0, since: 0, errors: new Set(), report: { name: source.name, blocks: 0, bytes: 0, ms: 0, errors: [] },
  }));

  async function attempt(state: State, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    const stall = AbortSignal.timeout(stallTimeoutMs);
    const either = AbortSignal.any([signal, stall]);
    if (state.active++ === 0) state.since = performance.now();
    try {
      // The race frees us from a source that ignores its signal.
      const bytes = await abortable(state.source.read(cid, { signal: either }), either);
      verifyBlock(cid, bytes);
      state.report.blocks++;
      state.report.bytes += bytes.length;
      return bytes;
    } catch (error) {
      signal.throwIfAborted();
      if (stall.aborted) throw new StorageError('STALLED', 'nothing came', { details: `within ${stallTimeoutMs} ms`, cause: error });
      throw error;
    } finally {
      if (--state.active === 0) state.report.ms += performance.now() - state.since;
    }
  }

  return {
    async read(cid, { signal }) {
      const reasons: string[] = [];
      for (const state of states) {
        signal.throwIfAborted();
        if (state.dropped !== undefined) {
          reasons.push(`${state.source.name}: ${state.dropped}`);
          continue;
        }
        try {
          return { bytes: await attempt(state, cid, signal), source: state.source.name };
        } catch (error) {
          signal.throwIfAborted();
          const reason = messageOf(error);
          if (isError(error, 'BLOCK_INVALID', 'BLOCK_TOO_LARGE', 'STALLED')) state.dropped = `not asked again: ${reason}`;
          if (!isError(error, 'NOT_FOUND')) note(state, reason);
          reasons.push(`${state.source.name}: ${reason}`);
        }
      }
      throw new StorageError('NOT_FOUND', 'no source has the block', { details: `${cid} (${reasons.join('; ') || 'there are no sources'})` });
    },
    report: () => states.map(({ report, errors }) => ({ ...report, ms: Math.round(report.ms), errors: [...errors] })),
  };
}

function note(state: State, reason: string): void {
  if (state.errors.size < MAX_ERRORS_PER_SOURCE) state.errors.add(reason);
}
