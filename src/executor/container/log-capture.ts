import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

export interface LogCapture {
  /** Bytes kept so far. */
  readonly keptBytes: number;
  /** Whether the job wrote more than was kept. */
  readonly cut: boolean;
  /** Settles when the stream has ended and everything kept is in the file. */
  done: Promise<void>;
}

/**
 * Keeps the first `limitBytes` of a stream in a file and drops the rest, so that a job that writes too much goes on as if it
 * had not. Reads no faster than the disk takes it.
 */
export function captureLog(stream: Readable, file: string, limitBytes: number, onKept: (chunk: Uint8Array) => void): LogCapture {
  let kept = 0;
  let cut = false;
  const done = (async () => {
    const handle = await open(file, 'w', 0o600);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const part = chunk.subarray(0, limitBytes - kept);
        if (part.length < chunk.length) cut = true;
        if (part.length === 0) continue;
        kept += part.length;
        onKept(part);
        await handle.write(part);
      }
    } finally {
      await handle.close();
    }
  })();
  done.catch(() => undefined);
  return { get keptBytes() { return kept; }, get cut() { return cut; }, done };
}
