#!/usr/bin/env node
/**
 * Stands in for jailer and Firecracker: takes the jailer's command line, answers the API in the jail, and plays a guest behind the vsock
 * handshake. Notes every request in `EXEC_FILE.record`; `EXEC_FILE.mode` says how it misbehaves.
 */
import { appendFileSync, existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DATA, DONE, ENDED, ENTRY, GO, HELLO, READY, RUN, SAMPLE, STDOUT, decodeStrings, encodeFrame, encodeStrings, readFrames } from '../../src/executor/microvm/wire.ts';
import { PROTOCOL_VERSION } from '../../src/executor/microvm/constants.ts';
import { GUEST_CHANNELS } from '../../src/executor/microvm/guest-session.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    'id': text, 'exec-file': text, 'uid': text, 'gid': text, 'chroot-base-dir': text, 'cgroup-version': text, 'parent-cgroup': text,
    'cgroup': { ...text, multiple: true }, 'resource-limit': { ...text, multiple: true },
  },
});
const binary = values['exec-file']!;
const mode = existsSync(`${binary}.mode`) ? readFileSync(`${binary}.mode`, 'utf8') : '';
const note = (entry: object) => appendFileSync(`${binary}.record`, `${JSON.stringify(entry)}\n`);

process.chdir(path.join(values['chroot-base-dir']!, path.basename(binary), values.id!, 'root'));
note({
  jail: values,
  files: readdirSync('.').sort().map((name) => {
    const { uid, mode: bits } = lstatSync(name);
    return [name, uid, (bits & 0o777).toString(8)];
  }),
});
if (mode === 'die') {
  process.stderr.write('jailer: cannot enter the jail\n');
  process.exit(1);
}

let started = false;
createHttpServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => { body += String(chunk); });
  request.on('end', () => {
    const call = `${request.method} ${request.url}`;
    if (call !== 'GET /') note({ call, body: JSON.parse(body) as unknown });
    if (mode === 'refuse' && call === 'PUT /drives/scratch') {
      response.writeHead(400).end(JSON.stringify({ fault_message: 'Unable to open the block device' }));
      return;
    }
    if (call === 'PUT /vsock') listen();
    if (call === 'PUT /actions') {
      started = true;
      appendFileSync('log', `${'noise '.repeat(20_000)}guest started\n`);
    }
    if (call === 'GET /') response.writeHead(200).end(JSON.stringify({ id: values.id, state: started ? 'Running' : 'Not started', vmm_version: '1.13.0', app_name: 'Firecracker' }));
    else response.writeHead(204).end();
  });
}).listen('api.sock');

/** The guest's port. Nobody listens there at first. */
function listen(): void {
  let tries = 0;
  createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (chunk: Buffer) => {
      note({ vsock: String(chunk) });
      if (++tries < 3) socket.destroy();
      else if (mode === 'rude') socket.end('HTTP/1.1 400\r\n\r\n');
      else {
        // The agent's first words may come with the handshake in one piece.
        socket.write(Buffer.concat([Buffer.from('OK 1073741824\n'), encodeFrame(HELLO, encodeStrings([PROTOCOL_VERSION, '6.1.0-fake', ...GUEST_CHANNELS]))]));
        if (mode !== 'silent') void converse(socket);
      }
    });
  }).listen('vsock.sock');
}

async function converse(socket: Socket): Promise<void> {
  const sample = (t: number, value: number) => {
    const payload = Buffer.alloc(8 * (GUEST_CHANNELS.length + 1));
    payload.writeDoubleBE(t);
    GUEST_CHANNELS.forEach((_, i) => payload.writeDoubleBE(value * (i + 1), 8 * (i + 1)));
    return encodeFrame(SAMPLE, payload);
  };
  for await (const { type, payload } of readFrames(socket, 1 << 26)) {
    if (type === RUN) {
      note({ orders: decodeStrings(payload).map((order) => decodeStrings(order).map((word) => word.toString('latin1').slice(0, 100))) });
      socket.write(encodeFrame(READY, encodeStrings([0, 1_000_000_000, 1000])));
    } else if (type === GO) {
      for (const frame of [sample(0, 5), encodeFrame(STDOUT, Buffer.from('hello\n')), sample(10, 7)]) socket.write(frame);
      if (mode === 'escape') socket.write(encodeFrame(ENDED, encodeStrings([0, 0, 0, 0, 0, 0, 0, 0, 0, 1_000_000_000, 1000])));
      if (mode === 'escape') socket.write(encodeFrame(ENTRY, encodeStrings(['file', 'outputs', '../../escaped', 0o644, 3])));
      else {
        for (const frame of [
          encodeFrame(ENDED, encodeStrings([3, 0, 0, 0, 0, 1000, 0, 0.5, 4096, 999_995_904, 999])),
          encodeFrame(ENTRY, encodeStrings(['dir', 'outputs', '', 0o755, 0])), encodeFrame(ENTRY, encodeStrings(['file', 'outputs', 'a', 0o644, 3])), encodeFrame(DATA, Buffer.from('abc')),
          encodeFrame(DONE),
        ]) socket.write(frame);
      }
    }
  }
}
