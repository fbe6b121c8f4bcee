import { setTimeout as delay } from 'node:timers/promises';
import type { FirecrackerApi } from './api-client.ts';
import { API_TIMEOUT_MS, WATCHDOG_INTERVAL_MS, WATCHDOG_MISSES } from './constants.ts';

export interface WatchdogOptions {
  /** Called once, when the monitor is given up. */
  onSilent: () => void;
  intervalMs?: number;
  timeoutMs?: number;
  misses?: number;
}

/** Asks a monitor again and again whether it lives; gives it up after several questions in a row without an answer. Returns what ends the watch. */
export function watchMonitor(api: Pick<FirecrackerApi, 'instance'>, options: WatchdogOptions): () => void {
  const { onSilent, intervalMs = WATCHDOG_INTERVAL_MS, timeoutMs = API_TIMEOUT_MS, misses = WATCHDOG_MISSES } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const watch = async () => {
    for (let missed = 0; missed < misses;) {
      await delay(intervalMs, undefined, { signal, ref: false });
      const alive = await api.instance({ signal, timeoutMs }).then(() => true, () => false);
      missed = alive ? 0 : missed + 1;
    }
    if (!signal.aborted) onSilent();
  };
  watch().catch(() => undefined);
  return () => stop.abort();
}
