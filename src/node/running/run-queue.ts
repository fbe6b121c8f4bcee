import type { Offer } from '../offer.ts';

interface Waiting { needs: Offer; start: () => void }

/** Runs tasks as soon as the machine has what they need, first come first served among those that fit. */
export class RunQueue {
  #free: Offer;
  readonly #total: Offer;
  #waiting: Waiting[] = [];
  running = 0;

  constructor(total: Offer) {
    this.#total = total;
    this.#free = { ...total };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Waits for room, runs the task, gives the room back. Rejects when aborted while waiting. Needs above the total count as the total. */
  async run<T>(needs: Offer, task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const bounded: Offer = {
      cpus: Math.min(needs.cpus, this.#total.cpus),
      memoryBytes: Math.min(needs.memoryBytes, this.#total.memoryBytes),
      diskBytes: Math.min(needs.diskBytes, this.#total.diskBytes),
    };
    await this.#admit(bounded, signal);
    this.running++;
    try {
      return await task();
    } finally {
      this.running--;
      this.#shift(bounded, 1);
      this.#next();
    }
  }

  #admit(needs: Offer, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        needs,
        start: () => { signal.removeEventListener('abort', onAbort); resolve(); },
      };
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(entry);
      this.#next();
    });
  }

  #next(): void {
    this.#waiting = this.#waiting.filter((entry) => {
      const fits = entry.needs.cpus <= this.#free.cpus + 1e-9
        && entry.needs.memoryBytes <= this.#free.memoryBytes && entry.needs.diskBytes <= this.#free.diskBytes;
      if (!fits) return true;
      this.#shift(entry.needs, -1);
      entry.start();
      return false;
    });
  }

  #shift(needs: Offer, sign: 1 | -1): void {
    this.#free.cpus += sign * needs.cpus;
    this.#free.memoryBytes += sign * needs.memoryBytes;
    this.#free.diskBytes += sign * needs.diskBytes;
  }
}
