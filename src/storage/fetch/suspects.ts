import { SUSPECT_TIMEOUT_MS } from '../constants.ts';

/** Sources that served wrong bytes: not asked by any fetch for a while. */
export interface Suspects {
  note(source: string, reason: string): void;
  /** Why a source is not to be asked now; undefined when it may be. */
  reasonFor(source: string): string | undefined;
}

/** @param now clock in ms, for tests */
export function createSuspects({ timeoutMs = SUSPECT_TIMEOUT_MS, now = () => performance.now() } = {}): Suspects {
  const noted = new Map<string, { reason: string; until: number }>();
  return {
    note(source, reason) {
      noted.set(source, { reason, until: now() + timeoutMs });
    },
    reasonFor(source) {
      const entry = noted.get(source);
      if (entry === undefined) return undefined;
      if (now() < entry.until) return entry.reason;
      noted.delete(source);
      return undefined;
    },
  };
}
