import type { ClientComponents } from '../components.ts';
import { JOURNAL_LAG_MS } from '../constants.ts';
import type { JobRecord } from '../book/job-record.ts';

/** Keeps a job's record on disk: at once where it could not be had again, a moment later with what comes until then where it could. */
export class RecordWriter {
  readonly #journal: ClientComponents['journal'];
  readonly #record: JobRecord;
  #lag: NodeJS.Timeout | undefined;

  constructor(journal: ClientComponents['journal'], record: JobRecord) {
    this.#journal = journal;
    this.#record = record;
  }

  save(): Promise<void> {
    clearTimeout(this.#lag);
    this.#lag = undefined;
    return this.#journal.put(this.#record.jobId, this.#record);
  }

  saveSoon(): void {
    this.#lag ??= setTimeout(() => {
      this.#lag = undefined;
      void this.#journal.put(this.#record.jobId, this.#record, { durable: false }).catch(() => {});
    }, JOURNAL_LAG_MS).unref();
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#lag !== undefined) void this.save().catch(() => {});
  }
}
