import { setTimeout as sleep } from 'node:timers/promises';
import { STEP_RETRY_MAX_MS, STEP_RETRY_MS } from '../constants.ts';

export interface DriverInit {
  /** Looks what is next, and does it. */
  step(): Promise<void>;
  /** A step failed: whether it is tried again, after a pause that grows with each failure in a row. */
  onFailure(error: unknown): 'again' | 'never';
  /** Ends it. */
  signal: AbortSignal;
}

/** Takes a job's next step whenever something changed, one at a time. */
export class Driver {
  readonly #init: DriverInit;
  #watchers: (() => void)[] = [];
  #retryMs = STEP_RETRY_MS;
  #driving = false;
  /** Something changed since the last look. */
  #again = false;
  #resting = false;

  constructor(init: DriverInit) {
    this.#init = init;
  }

  /** Something changed. Callers need not wait. */
  poke(): void {
    for (const wake of this.#watchers.splice(0)) wake();
    if (this.#resting) return;
    this.#again = true;
    if (this.#driving || this.#init.signal.aborted) return;
    this.#driving = true;
    void this.#drive().finally(() => { this.#driving = false; if (this.#again) this.poke(); });
  }

  /** Takes no step until `wake`: there is nothing left to do. */
  rest(): void {
    this.#resting = true;
  }

  wake(): void {
    this.#resting = false;
  }

  /** Resolves when something changes. */
  changed(): Promise<void> {
    return new Promise((resolvePromise) => this.#watchers.push(resolvePromise));
  }

  async #drive(): Promise<void> {
    const { signal } = this.#init;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      try {
        await this.#init.step();
        this.#retryMs = STEP_RETRY_MS;
      } catch (error) {
        if (signal.aborted || this.#init.onFailure(error) === 'never') return;
        await sleep(this.#retryMs, undefined, { signal }).catch(() => {});
        this.#retryMs = Math.min(2 * this.#retryMs, STEP_RETRY_MAX_MS);
        this.#again = true;
      }
    }
  }
}
