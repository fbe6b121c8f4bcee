import type { Hex } from 'viem';
import type { Announcement } from '../../protocol/index.ts';

/**
 * Looks at announcements, one at a time for each job. One that comes meanwhile is looked at afterwards if the first look left the job open:
 * what was missing then, data that no source knew in time, may be there by now, and the next announcement may be long in coming.
 */
export class Considerations {
  readonly #running = new Set<Hex>();
  /** The newest announcement that came during a look. */
  readonly #next = new Map<Hex, Announcement>();

  /** Whether a look at the job is under way. */
  has(jobId: Hex): boolean {
    return this.#running.has(jobId);
  }

  /**
   * @param look looks at an announcement; must not throw
   * @param isOpen whether another look may be worth while
   */
  async add(jobId: Hex, announcement: Announcement, look: (announcement: Announcement) => Promise<void>, isOpen: () => boolean): Promise<void> {
    if (this.#running.has(jobId)) {
      this.#next.set(jobId, announcement);
      return;
    }
    this.#running.add(jobId);
    try {
      for (let next: Announcement | undefined = announcement; next !== undefined && isOpen(); next = this.#next.get(jobId)) {
        this.#next.delete(jobId);
        await look(next);
      }
    } finally {
      this.#running.delete(jobId);
      this.#next.delete(jobId);
    }
  }
}
