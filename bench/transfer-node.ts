import { randomBytes } from 'node:crypto';
import { createHost } from '../src/network/index.ts';
import { messageOf, parseCid } from '../src/protocol/index.ts';
import { createStorage, type SourceReport } from '../src/storage/index.ts';

/** What the benchmark tells one of its two processes. */
export type TransferOrder =
  | { do: 'add'; path: string } | { do: 'listen' } | { do: 'peak' }
  | { do: 'fetch'; cid: string; way: 'peers' | 'ipfs' | 'gateways'; addresses: string[]; gateway: string };

export interface TransferReply { cid?: string; addresses?: string[]; gateway?: string; ms?: number; bytes?: number; sources?: SourceReport[]; peakBytes?: number; idleBytes?: number; atPeak?: NodeJS.MemoryUsage; cpuMs?: number; error?: string }

/** Between two looks at what takes the memory; the peak itself is the system's number. */
const SAMPLE_MS = 20;
const dir = process.argv[2]!;
const host = await createHost({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], lan: true });
/** CPU time spent before the transfer: start, and loading the code. */
let before = process.cpuUsage();
/** Resident when all is up and nothing has moved yet. */
let idleBytes = 0;
let atPeak = process.memoryUsage();
let storage: Awaited<ReturnType<typeof createStorage>> | undefined;

async function carryOut(order: TransferOrder): Promise<TransferReply> {
  if (order.do === 'peak') {
    const { user, system } = process.cpuUsage(before);
    return { peakBytes: process.resourceUsage().maxRSS * 1024, idleBytes, atPeak, cpuMs: (user + system) / 1000 };
  }
  storage ??= await createStorage({ libp2p: host }, {
    dir, ...(order.do === 'fetch' && { remote: { order: [order.way], gateways: [order.gateway] } }),
    ...(order.do === 'listen' && { gateway: { listen: '127.0.0.1:0', allow: 'all' } }),
  });
  if (order.do === 'add') return { cid: (await storage.add(order.path)).cid.toString() };
  before = process.cpuUsage();
  idleBytes = process.memoryUsage.rss();
  setInterval(() => {
    const now = process.memoryUsage();
    if (now.rss > atPeak.rss) atPeak = now;
  }, SAMPLE_MS).unref();
  if (order.do === 'listen') return { addresses: host.getMultiaddrs().map(String), gateway: storage.gatewayUrl! };
  await storage.connect(order.addresses);
  const started = performance.now();
  const { bytes, sources } = await storage.fetch(parseCid(order.cid));
  return { ms: Math.round(performance.now() - started), bytes, sources };
}

process.on('message', (order: TransferOrder) => {
  carryOut(order).catch((error: unknown): TransferReply => ({ error: messageOf(error) })).then((reply) => process.send!(reply));
});
process.on('disconnect', async () => {
  await storage?.stop();
  await host.stop();
});
process.send!('ready');
