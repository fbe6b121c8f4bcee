import type { LogChunk } from '../../protocol/index.ts';
import { LOG_HISTORY_BYTES } from '../constants.ts';

type Stream = LogChunk['stream'];

/** Live logs of one replica: keeps the latest part for those who come late, and feeds any number of followers. */
export class LogHub {
  #history: LogChunk[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void)[] = [];
  /** Index of the first chunk still in the history, counted from the first ever written. */
  #first = 0;

  write(stream: Stream, data: Uint8Array): void {
    if (this.#ended || data.length === 0) return;
    this.#history.push({ stream, data });
    this.#bytes += data.length;
    while (this.#bytes > LOG_HISTORY_BYTES && this.#history.length > 1) {
      this.#bytes -= this.#history.shift()!.data.length;
      this.#first++;
    }
    this.#rouse();
  }

  end(): void {
    this.#ended = true;
    this.#rouse();
  }

  /** The log from its oldest kept part to the end of the run; a follower too slow for the history skips ahead. */
  async *follow(signal: AbortSignal): AsyncGenerator<LogChunk> {
    let next = this.#first;
    while (!signal.aborted) {
      next = Math.max(next, this.#first);
      const chunk = this.#history[next - this.#first];
      if (chunk !== undefined) {
        next++;
        yield chunk;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  }

  #rouse(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}
