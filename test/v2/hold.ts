import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// node hold.ts SOCKET SECONDS: lets an emulated machine run for so long, and holds it again; its clock stands still in between. Ends with the machine.

const [path = '', seconds = '0'] = process.argv.slice(2);

/** QEMU's monitor (QMP): one command after another, each answered by a line. */
async function command(socket: Socket, lines: AsyncIterator<string>, execute: string): Promise<void> {
  socket.write(`${JSON.stringify({ execute })}\n`);
  for (;;) {
    const { value, done } = await lines.next();
    if (done) return;
    const answer = JSON.parse(value) as { return?: unknown; error?: { desc: string } };
    if (answer.error !== undefined) throw new Error(`${execute}: ${answer.error.desc}`);
    if ('return' in answer) return;
  }
}

const socket = createConnection(path);
const over = new AbortController();
socket.on('error', () => undefined).once('close', () => over.abort());
const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
if (!over.signal.aborted) {
  await command(socket, lines, 'qmp_capabilities');
  await command(socket, lines, 'cont');
  await sleep(Number(seconds) * 1000, undefined, { signal: over.signal }).catch(() => undefined);
  if (!over.signal.aborted) await command(socket, lines, 'stop');
}
socket.destroy();
