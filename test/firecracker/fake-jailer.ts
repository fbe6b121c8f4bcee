#!/usr/bin/env node
/**
 * Stands in for jailer and Firecracker: takes the jailer's command line, makes and enters the control groups, answers the API in the jail, has
 * a thread for the guest's timer, and plays a guest behind the vsock handshake. Notes every request in `EXEC_FILE.record`; `EXEC_FILE.mode`
 * says how it misbehaves.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cgroupLayout } from '../../src/executor/cgroup/layout.ts';
import { BYTES, END, OPEN, tunnelFrame } from '../../src/executor/microvm/tunnel/tunnel-frames.ts';
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

/** As the jailer does it: a directory for each of the hierarchies whose limits it is given, the limits written, then itself moved in. */
const layout = cgroupLayout()!;
const groups = new Set<string>();
for (const limit of values.cgroup ?? []) {
  const [file, value] = [limit.slice(0, limit.indexOf('=')), limit.slice(limit.indexOf('=') + 1)];
  const group = path.join(layout.version === 'v2' ? layout.unified! : layout.controllers.get(file.split('.')[0]!)!, values['parent-cgroup']!, values.id!);
  mkdirSync(group, { recursive: true });
  if (layout.version === 'v2') for (const at of [layout.unified!, path.dirname(group)]) writeFileSync(path.join(at, 'cgroup.subtree_control'), `+${file.split('.')[0]}`);
  writeFileSync(path.join(group, file), value);
  groups.add(group);
}
for (const group of groups) writeFileSync(path.join(group, layout.version === 'v2' ? 'cgroup.procs' : 'tasks'), String(process.pid));
if (mode === 'die') {
  process.stderr.write('jailer: cannot enter the jail\n');
  process.exit(1);
}

let started = false;
/** The kernel's thread of a guest's timer: of this name, in no group of the monitor's, and gone with it: it waits for the end of a pipe. */
function startTimerThread(): Promise<number> {
  const outside = [...groups].map((group) => path.join(group, layout.version === 'v2' ? '../../cgroup.procs' : '../../tasks'));
  const script = `echo kvm-pit/${process.pid} > /proc/$$/comm; for f in ${outside.join(' ')}; do echo $$ > $f; done; echo; read -r end`;
  const thread = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  return new Promise((resolve) => { thread.stdout.once('data', () => resolve(thread.pid!)); });
}
let timerThread = 0;
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
      appendFileSync('log', `${'noise '.repeat(20_000)}guest started\n`);
      appendFileSync('metrics', '{"noise":1}'.repeat(20_000));
      void startTimerThread().then((pid) => {
        timerThread = pid;
        started = true;
        response.writeHead(204).end();
      });
      return;
    }
    // Hangs, guest and all, once the guest runs.
    if (mode === 'stuck' && started) return;
    if (call === 'GET /') response.writeHead(200).end(JSON.stringify({ id: values.id, state: started ? 'Running' : 'Not started', vmm_version: mode === 'other' ? '1.12.0' : '1.13.0', app_name: 'Firecracker' }));
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
      if (String(chunk) === 'CONNECT 53\n') {
        socket.write('OK 1073741825\n');
        tunnel.resolve(socket);
        return;
      }
      note({ timerThread: readFileSync(`/proc/${timerThread}/cgroup`, 'utf8') });
      if (++tries < 3) socket.destroy();
      else if (mode === 'rude') socket.end('HTTP/1.1 400\r\n\r\n');
      else {
        // The agent's first words may come with the handshake in one piece.
        socket.write(Buffer.concat([Buffer.from('OK 1073741824\n'), encodeFrame(HELLO, encodeStrings([PROTOCOL_VERSION, '6.1.0-fake', ...GUEST_CHANNELS]))]));
        if (mode !== 'silent' && mode !== 'stuck') void converse(socket);
      }
    });
  }).listen('vsock.sock');
}

/** The guest's end of the tunnel, once the host has opened it. */
const tunnel = Promise.withResolvers<Socket>();

/** Asks for a page as a job would by its proxy, and gives the answer. */
async function fetchPage(url: string): Promise<Buffer> {
  const socket = await tunnel.promise;
  socket.write(tunnelFrame(OPEN, 1));
  socket.write(tunnelFrame(BYTES, 1, Buffer.from(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)));
  const answer: Buffer[] = [];
  for await (const { type, payload } of readFrames(socket)) {
    if (type === BYTES) answer.push(payload.subarray(4));
    if (type === END) break;
  }
  return Buffer.concat(answer);
}

async function converse(socket: Socket): Promise<void> {
  const sample = (t: number, value: number) => {
    const payload = Buffer.alloc(8 * (GUEST_CHANNELS.length + 1));
    payload.writeDoubleBE(t);
    GUEST_CHANNELS.forEach((_, i) => payload.writeDoubleBE(value * (i + 1), 8 * (i + 1)));
    return encodeFrame(SAMPLE, payload);
  };
  let url = '';
  for await (const { type, payload } of readFrames(socket, 1 << 26)) {
    if (type === RUN) {
      const orders = decodeStrings(payload).map((order) => decodeStrings(order).map(String));
      url = orders.findLast(([name, word]) => name === 'arg' && word!.startsWith('http'))?.[1] ?? '';
      note({ orders: decodeStrings(payload).map((order) => decodeStrings(order).map((word) => word.toString('latin1').slice(0, 100))) });
      socket.write(encodeFrame(READY, encodeStrings([0, 1_000_000_000, 1000])));
    } else if (type === GO) {
      for (const frame of [sample(0, 5), encodeFrame(STDOUT, url === '' ? Buffer.from('hello\n') : await fetchPage(url)), sample(10, 7)]) socket.write(frame);
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
