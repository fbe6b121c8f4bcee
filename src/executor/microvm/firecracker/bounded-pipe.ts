import { constants, openSync, chownSync } from 'node:fs';
import { Socket } from 'node:net';
import { runTool } from '../../tool.ts';
import { MAX_PIPE_BYTES } from './constants.ts';

export interface BoundedPipe {
  /** The last of what was written. */
  last(): string;
  close(): void;
}

/**
 * A named pipe for a monitor to write its log or its metrics to, of which the last bytes are kept: a guest that makes its monitor
 * talk fills neither the host's disk nor its memory.
 */
export async function boundedPipe(path: string, owner: number, maxBytes: number = MAX_PIPE_BYTES): Promise<BoundedPipe> {
  await runTool('mkfifo', ['-m', '600', path]);
  chownSync(path, owner, owner);
  // Open for writing, too: the pipe then does not end when a writer leaves.
  const reader = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
  let kept = '';
  reader.setEncoding('latin1').on('data', (text: string) => { kept = (kept + text).slice(-maxBytes); });
  reader.on('error', () => undefined);
  reader.unref();
  return { last: () => kept, close: () => void reader.destroy() };
}
