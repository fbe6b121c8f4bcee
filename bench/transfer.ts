import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';
import type { TransferOrder, TransferReply } from './transfer-node.ts';

/** Bytes moved each way. */
const SIZE = Number(process.env.TRANSFER_BYTES ?? 1024 ** 3);
const CHUNK = 8 * 1024 * 1024;
/** Which ways, e.g. `TRANSFER_WAYS=peers,gateways`. */
const WAYS = (process.env.TRANSFER_WAYS?.split(',') ?? ['peers', 'ipfs', 'gateways']) as ('peers' | 'ipfs' | 'gateways')[];

/** How many fetch it from the one sender at the same time, each way. */
const RECEIVERS = Number(process.env.TRANSFER_RECEIVERS ?? 1);

/** More of Node's flags for both ends, e.g. `--cpu-prof`. */
const EXEC = process.env.TRANSFER_EXEC?.split(' ') ?? [];

interface Row { way: string; mbPerSecond: number; ms: number; receiverCpuMs: number; senderCpuMs: number; receiverMb: number; senderMb: number; receiverIdleMb: number; heapMb: number; outsideHeapMb: number }

/** A file moved from one node to another, or to several at once, each in a process of its own, by each of the ways nodes have: MB/s of all together, and the largest resident memory of both sides. */
export const transfer: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const children: ChildProcess[] = [];
  const start = async (folder: string): Promise<(order: TransferOrder) => Promise<TransferReply>> => {
    const child = fork(fileURLToPath(new URL('./transfer-node.ts', import.meta.url)), [join(dir, folder)], {
      // As a node has it.
      execArgv: ['--max-semi-space-size=4', ...EXEC], env: { ...process.env, NODE_COMPILE_CACHE: join(dir, 'compiled') },
    });
    children.push(child);
    await once(child, 'message');
    return async (order) => {
      child.send(order);
      const [reply] = await once(child, 'message') as [TransferReply];
      if (reply.error !== undefined) throw new Error(reply.error);
      return reply;
    };
  };
  const end = async (child: ChildProcess) => {
    if (child.exitCode !== null) return;
    child.disconnect();
    await once(child, 'exit');
  };
  try {
    const file = join(dir, 'data');
    await writeRandom(file, SIZE);
    const { cid } = await (await start('sender'))({ do: 'add', path: file });
    await end(children[0]!);
    const rows: Row[] = [];
    for (const way of WAYS) {
      // Fresh processes, so that the memory is this way's alone.
      const sender = await start('sender');
      const folders = Array.from({ length: RECEIVERS }, (_, i) => `receiver-${way}-${i}`);
      const receivers = [];
      for (const folder of folders) receivers.push(await start(folder));
      const { addresses, gateway } = await sender({ do: 'listen' });
      const started = performance.now();
      const fetched = await Promise.all(receivers.map((receiver) => receiver({ do: 'fetch', cid: cid!, way, addresses: addresses!, gateway: gateway! })));
      const ms = Math.round(performance.now() - started);
      const served = [...new Set(fetched.flatMap(({ sources }) => sources!.filter(({ blocks }) => blocks > 0).map(({ name }) => name)))];
      if (served.length !== 1) throw new Error(`${way}: served by ${served.join(', ')}`);
      const [atSender, ...atReceivers] = await Promise.all([sender, ...receivers].map((one) => one({ do: 'peak' }))) as [TransferReply, ...TransferReply[]];
      const atReceiver = atReceivers.toSorted((a, b) => b.peakBytes! - a.peakBytes!)[0]!;
      await Promise.all(children.map(end));
      rows.push({
        way: served[0]!, ms, mbPerSecond: Math.round(fetched.reduce((sum, { bytes }) => sum + bytes!, 0) / 1e3 / ms), receiverCpuMs: Math.round(atReceiver.cpuMs!), senderCpuMs: Math.round(atSender.cpuMs!),
        receiverMb: Math.round(atReceiver.peakBytes! / 1e6), senderMb: Math.round(atSender.peakBytes! / 1e6),
        receiverIdleMb: Math.round(atReceiver.idleBytes! / 1e6), heapMb: Math.round(atReceiver.atPeak!.heapTotal / 1e6), outsideHeapMb: Math.round(atReceiver.atPeak!.external / 1e6),
      });
      say(`${served[0]}: ${rows.at(-1)!.mbPerSecond} MB/s`);
      for (const folder of folders) await rm(join(dir, folder), { recursive: true, force: true });
    }
    say(table(['by', 'MB/s', 'ms', 'receiver CPU ms', 'sender CPU ms', 'sender peak MB', 'receiver peak MB', 'idle', 'heap', 'outside it'],
      rows.map((row) => [row.way, row.mbPerSecond, row.ms, row.receiverCpuMs, row.senderCpuMs, row.senderMb, row.receiverMb, row.receiverIdleMb, row.heapMb, row.outsideHeapMb])));
    return { bytes: SIZE, receivers: RECEIVERS, rows, goalMbPerSecond: 100, goalPeakMb: 200 };
  } finally {
    await Promise.all(children.map(end));
    await rm(dir, { recursive: true, force: true });
  }
};

async function writeRandom(path: string, size: number): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (let left = size; left > 0; left -= CHUNK) await file.write(randomBytes(Math.min(CHUNK, left)));
  } finally {
    await file.close();
  }
}
