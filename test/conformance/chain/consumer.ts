import { Watcher, type ChainEvent, type Reorg, type WatcherInit } from '../../../src/chain/index.ts';

/**
 * Somebody who acts on a watcher's word: holds every event that was told and not taken back, in order. An event told while it is
 * held, and one taken back that is not the last one held, are faults.
 */
export class Consumer {
  readonly held: string[] = [];
  readonly faults: string[] = [];
  reorgs = 0;
  #check = () => {};

  readonly handlers: Pick<WatcherInit, 'onEvent' | 'onReorg' | 'onStatus' | 'onHead'> = {
    onEvent: (event) => {
      const place = placeOf(event);
      if (this.held.includes(place)) this.faults.push(`twice: ${place}`);
      this.held.push(place);
      this.#check();
    },
    onReorg: ({ removed }: Reorg) => {
      this.reorgs++;
      for (const event of removed) {
        const last = this.held.pop();
        if (last !== placeOf(event)) this.faults.push(`${placeOf(event)} taken back, ${String(last)} was the last`);
      }
      this.#check();
    },
    onStatus: (status) => {
      if (status.status === 'failed') this.faults.push(String(status.error));
      this.#check();
    },
    onHead: () => this.#check(),
  };

  /** Resolves as soon as exactly these events are held; says what is held instead when that does not come. */
  async holds(places: readonly string[], what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const same = () => this.held.length === places.length && this.held.every((place, i) => place === places[i]);
    this.#check = () => {
      if (this.faults.length > 0) reject(new Error(`${what}: ${this.faults.join('; ')}`));
      else if (same()) resolve();
    };
    const timer = setTimeout(() => reject(new Error(`${what}: ${this.held.length} events held, ${places.length} wanted`)), 60_000);
    this.#check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#check = () => {};
    }
  }
}

/** Starts a watcher for a consumer. */
export async function watchFor(consumer: Consumer, chain: ConstructorParameters<typeof Watcher>[0]['chain'], init: Omit<WatcherInit, 'onEvent'>): Promise<Watcher> {
  const watcher = new Watcher({ chain }, { ...init, ...consumer.handlers });
  await watcher.start();
  return watcher;
}

function placeOf({ blockHash, logIndex }: ChainEvent): string {
  return `${blockHash}:${logIndex}`;
}
