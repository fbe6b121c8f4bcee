import { join } from 'node:path';
import type { Hex } from 'viem';
import { replay, type JobState } from '../../protocol/state/job-state.ts';
import { openJournal, type Journal } from '../../storage/journal.ts';
import { ClientError } from '../errors.ts';
import { JobClaims } from './job-claims.ts';
import type { JobRecord } from './job-record.ts';

/** The jobs of a client's journal: all that can be known of them without chain and network. */
export class JobBook {
  /** Which jobs this process carries. */
  readonly claims: JobClaims;
  readonly #journal: Journal<JobRecord>;
  readonly #records = new Map<Hex, JobRecord>();

  constructor(journal: Journal<JobRecord>, claims: JobClaims) {
    this.#journal = journal;
    this.claims = claims;
  }

  /** The book of a client's folder. */
  static async open(dir: string): Promise<JobBook> {
    const book = new JobBook(await openJobs(dir), new JobClaims(dir));
    await book.read();
    return book;
  }

  /** Reads what is on disk. */
  async read(): Promise<void> {
    for (const { record } of await this.#journal.all()) this.#records.set(record.jobId, record);
  }

  /** Takes what another process has written down of a job meanwhile. */
  async reread(record: JobRecord): Promise<void> {
    Object.assign(record, await this.#journal.get(record.jobId));
  }

  /** Notes what the chain says of a job now. What else is known of it is what who carries it knows, and what that one wrote down last: nobody else writes meanwhile. */
  async note(record: JobRecord, events: JobRecord['events']): Promise<void> {
    const { jobId } = record;
    const own = this.claims.has(jobId);
    const taken = await this.claims.take(jobId);
    try {
      if (!own) await this.reread(record);
      record.events = events;
      if (taken) await this.put(record);
    } finally {
      if (taken) await this.claims.release(jobId);
    }
  }

  /** Jobs, newest first. */
  list(): JobRecord[] {
    return [...this.#records.values()].sort((a, b) => b.createdAt - a.createdAt);
  }

  /** @throws ClientError JOB_UNKNOWN. An unambiguous beginning of the id is enough. */
  find(id: string): JobRecord {
    const wanted = id.toLowerCase();
    const matches = [...this.#records.values()].filter(({ jobId }) => jobId.startsWith(wanted) || jobId.slice(2).startsWith(wanted));
    if (matches.length === 1) return matches[0]!;
    throw new ClientError('JOB_UNKNOWN', matches.length === 0 ? 'no such job in this client\'s journal' : 'the id is ambiguous', {
      details: id, hint: 'gadus job list shows the jobs and their ids',
    });
  }

  /** What the chain said of a job when it was last looked at. */
  stateOf(record: JobRecord): JobState | undefined {
    return replay(record.events);
  }

  /** Writes a job down; a new one is in the book from then on. */
  async put(record: JobRecord): Promise<void> {
    await this.#journal.put(record.jobId, record);
    this.#records.set(record.jobId, record);
  }
}

/** The journal of jobs in a client's folder. */
export function openJobs(dir: string): Promise<Journal<JobRecord>> {
  return openJournal<JobRecord>(join(dir, 'jobs'));
}
