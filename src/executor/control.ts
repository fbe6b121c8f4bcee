import type { Duplex } from 'node:stream';

const MAX_LINE_CHARS = 256;

/** The engine's end of the socket to the init script. */
export interface Control {
  /** Init is up; nothing of the job has run. */
  ready: Promise<void>;
  /** Lets the command start. */
  go(): void;
  /** The command's exit code, 128 + n for signal n. */
  exited: Promise<number>;
}

/** Speaks the init script's protocol: `ready`, then one line in, then `exit CODE`. What else comes is passed over. */
export function openControl(socket: Duplex): Control {
  const ready = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<number>();
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    pending += text;
    const lines = pending.split('\n');
    pending = lines.pop()!.slice(-MAX_LINE_CHARS);
    for (const line of lines) {
      if (line === 'ready') ready.resolve();
      const code = /^exit (\d{1,3})$/.exec(line)?.[1];
      if (code !== undefined) exited.resolve(Number(code));
    }
  });
  // The other end vanishes with its process, whose end is reported elsewhere.
  socket.on('error', () => undefined);
  return { ready: ready.promise, exited: exited.promise, go: () => void socket.write('go\n') };
}
