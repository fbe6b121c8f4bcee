import { DIARY_LINES } from './constants.ts';
import type { Log } from './log.ts';

/** What a node said last, newest first, for whoever looks at it. */
export class Diary {
  readonly #lines: DiaryLine[] = [];

  get lines(): readonly DiaryLine[] {
    return this.#lines;
  }

  /** A log that is written down here as well. */
  alsoTo(log: Log): Log {
    return (level, event, data) => {
      this.#lines.unshift({ at: Date.now(), level, event, ...(data === undefined ? {} : { data }) });
      this.#lines.splice(DIARY_LINES);
      log(level, event, data);
    };
  }
}

/** `at` is ms since the epoch. */
export interface DiaryLine { at: number; level: Parameters<Log>[0]; event: string; data?: Record<string, unknown> }
