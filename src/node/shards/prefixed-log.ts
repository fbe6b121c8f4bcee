import type { LogChunk } from '../../protocol/index.ts';

type Write = (stream: LogChunk['stream'], data: Uint8Array) => void;

/** Longest line kept back until it ends, bytes. */
const MAX_LINE_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Passes a log on in whole lines with something in front of each, so that logs of runs side by side can be told apart. `end` passes on what is left. */
export function prefixedLog(prefix: string, write: Write): { write: Write; end(): void } {
  const mark = Buffer.from(prefix);
  const held: Partial<Record<LogChunk['stream'], Buffer>> = {};
  const pass = (stream: LogChunk['stream'], text: Buffer) => {
    const lines: Uint8Array[] = [];
    for (let at = 0; at < text.length;) {
      const found = text.indexOf(NEWLINE, at);
      const end = found < 0 ? text.length : found + 1;
      lines.push(mark, text.subarray(at, end));
      at = end;
    }
    if (lines.length > 0) write(stream, Buffer.concat(lines));
  };
  return {
    write(stream, data) {
      const text = Buffer.concat([held[stream] ?? Buffer.alloc(0), data]);
      const end = text.lastIndexOf(NEWLINE) + 1;
      pass(stream, text.subarray(0, end));
      held[stream] = text.subarray(end);
      if (text.length - end > MAX_LINE_BYTES) this.end();
    },
    end() {
      for (const [stream, rest] of Object.entries(held)) {
        if (rest.length > 0) pass(stream as LogChunk['stream'], Buffer.concat([rest, Uint8Array.of(NEWLINE)]));
      }
      for (const stream of Object.keys(held)) delete held[stream as LogChunk['stream']];
    },
  };
}
