import type { ChainEvent } from './watch/decode-events.ts';
import type { Reorg, WatcherStatus } from './watch/watcher-status.ts';

/** What a watcher told, and a way to wait for it without sleeping. */
export function recorder() {
  const events: ChainEvent[] = [];
  const reorgs: Reorg[] = [];
  const statuses: WatcherStatus[] = [];
  const log: string[] = [];
  const waiting: { done: () => boolean; resolve: () => void }[] = [];
  const check = () => { for (const { done, resolve } of waiting) if (done()) resolve(); };
  const init = {
    onEvent: (event: ChainEvent) => { events.push(event); log.push(`+${label(event)}`); check(); },
    onReorg: (reorg: Reorg) => { reorgs.push(reorg); log.push(...reorg.removed.map((event) => `-${label(event)}`)); check(); },
    onStatus: (status: WatcherStatus) => { statuses.push(status); check(); },
    onHead: () => check(),
  };
  const until = (done: () => boolean, what: string): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (done()) resolve();
    waiting.push({ done, resolve });
    const timer = setTimeout(() => reject(new Error(`never: ${what}; got ${log.join(' ')}; ${JSON.stringify(statuses.at(-1), (_, v) => (typeof v === 'bigint' ? Number(v) : v))}`)), 60_000);
    return promise.finally(() => clearTimeout(timer));
  };
  return { events, reorgs, statuses, log, init, until };
}
const label = (event: ChainEvent) => (event.type === 'Funded' ? String(event.amount) : event.type);
