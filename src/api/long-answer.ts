import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './errors.ts';

/** Lines of JSON: `{"progress": …}` as often as there is some, at last `{"result": …}` or `{"error": …}`. */
export const LINES_TYPE = 'application/x-ndjson';

/** Bytes as they come, asked or answered. */
export const BYTES_TYPE = 'application/octet-stream';

/** Until an answer that takes long begins, and between its lines, ms: HTTP clients give up on silence after minutes, and people sooner. */
const LINE_EVERY_MS = 500;

/** An answer in the making. */
export interface LongAnswer {
  /** Raised when whoever asked is gone. */
  signal: AbortSignal;
  onProgress(progress: object): void;
  /** Ends it. */
  end(status: number, value: unknown): void;
}

/** Answers with one JSON value, or with lines of them where that takes long and whoever asked accepts lines. */
export function longAnswer(incoming: IncomingMessage, outgoing: ServerResponse): LongAnswer {
  const gone = new AbortController();
  const lines = (incoming.headers.accept ?? '').includes(LINES_TYPE);
  let progress: object | undefined;
  const tell = () => {
    if (!outgoing.headersSent) outgoing.writeHead(200, { 'content-type': LINES_TYPE, 'cache-control': 'no-store' });
    // A reader that takes nothing is not waited for: what is told last counts.
    if (!outgoing.writableNeedDrain) outgoing.write(toLine({ progress: progress ?? {} }));
  };
  const timer = lines ? setInterval(tell, LINE_EVERY_MS) : undefined;
  outgoing.once('close', () => {
    clearInterval(timer);
    if (!outgoing.writableFinished) gone.abort(new ApiError('CLIENT_GONE', 'whoever asked is gone'));
  });
  return {
    signal: gone.signal,
    onProgress(latest) { progress = latest; },
    end(status, value) {
      clearInterval(timer);
      if (!outgoing.headersSent) outgoing.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(toLine(value));
      else outgoing.end(toLine(status === 200 ? { result: value } : value));
    },
  };
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))}\n`;
}
