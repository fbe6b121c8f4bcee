import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { z } from 'zod';
import { DEFAULT_ENGINES, ENGINE_CHOICES, isNetworkPattern } from '../executor/index.ts';
import { messageOf, parseBytes, parseDurationMs } from '../protocol/index.ts';
import { REMOTE_SOURCES } from '../storage/index.ts';
import { NodeError } from './errors.ts';

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`), `is not ${bytes} bytes of hex`).transform((text) => text as `0x${string}`);
const amount = z.union([z.string(), z.number().int().nonnegative()]).transform(String).refine((text) => /^\d+$/.test(text), 'is not a whole number of coin units').transform(BigInt);
const size = measured(parseBytes);
const duration = measured(parseDurationMs);
const GiB = 1024 ** 3;

const schema = z.strictObject({
  /** Folder of all the node's state. */
  dir: z.string().min(1),
  chain: z.strictObject({
    rpcUrl: z.url(),
    scheduler: hex(20),
    deploymentBlock: z.number().int().nonnegative().default(0),
    pollMs: z.number().int().positive().default(2000),
    /** Whether the endpoint takes JSON-RPC batches. */
    batch: z.boolean().default(false),
  }),
  /** The node's account: a key, or a file that holds one. */
  key: hex(32).optional(),
  keyFile: z.string().optional(),
  network: z.strictObject({
    listen: z.array(z.string()).default(['/ip4/0.0.0.0/tcp/4501']),
    bootstrap: z.array(z.string()).default([]),
    mdns: z.boolean().default(false),
    lan: z.boolean().default(false),
  }).prefault({}),
  storage: z.strictObject({
    /** RPC endpoint of a Kubo beside the node, in place of embedded bitswap. */
    kuboUrl: z.url().optional(),
    /** Where data may come from that is not on this machine, in this order. */
    sources: z.array(z.enum(REMOTE_SOURCES)).default([...REMOTE_SOURCES]),
    /** Trustless gateways, and routers (`/routing/v1`) that name more of them. */
    gateways: z.array(z.url()).default([]),
    routers: z.array(z.url()).default([]),
    filecoin: z.strictObject({
      /** Network indexers, and providers known to the operator. */
      indexers: z.array(z.url()).default([]),
      providers: z.array(z.url()).default([]),
      /** Pieces (`baga6ea4seaq…`) with the providers whose CARs may be read from them in ranges. */
      pieces: z.array(z.string()).default([]),
    }).prefault({}),
    /** TCP port by which peers fetch whole inputs beside libp2p: 0 is any, null none. */
    directPort: z.number().int().min(0).max(65_535).nullable().default(0),
    /** CIDs that are given to nobody by gateway or CAR stream. */
    denied: z.array(z.string()).default([]),
    /** Largest input fetched. */
    maxFetchBytes: size.default(100 * GiB),
    /** Folders whose CARs, whole pieces and unsealed sectors are read where they lie. */
    cars: z.array(z.string()).default([]),
    pieces: z.array(z.string()).default([]),
    sectors: z.array(z.string()).default([]),
    /** What fetched inputs may keep of the disk, and as much again unpacked. */
    cacheSize: size.default(100 * GiB),
    /** What unpacked images may keep of it. */
    imageCacheSize: size.default(64 * GiB),
    /** What stays free of the disk: below it the node neither bids nor fetches. */
    reserve: size.default(GiB),
    /** How long results stay after their job is over. */
    keepResults: duration.default(7 * 24 * 3_600_000),
  }).prefault({}),
  /** A trustless gateway for whoever can reach it. */
  gateway: z.strictObject({
    listen: z.string(),
    allow: z.enum(['results', 'pinned', 'all']).default('results'),
    concurrency: z.number().int().positive().optional(),
    perMinute: z.number().int().positive().optional(),
  }).optional(),
  /** HTTP API for the operator, on loopback; port 0 picks one, null turns it off. */
  apiPort: z.number().int().min(0).max(65_535).nullable().default(4580),
  /** Coin asked for one replica. */
  price: amount.default(500_000_000_000_000_000n),
  /** Stake to register with at start, where the account has less. */
  stake: amount.default(100_000_000_000_000_000_000n),
  minClientScoreBps: z.number().int().min(0).max(10_000).default(0),
  maxTimeout: duration.default(24 * 3_600_000),
  /** Bid only for jobs whose image and inputs are on this node already. */
  localDataOnly: z.boolean().default(false),
  /** What one job, or all at once, may use. */
  offer: z.strictObject({
    cpus: z.number().positive().default(() => availableParallelism()),
    memory: size.default(() => Math.floor(totalmem() * 0.8)),
    disk: size.default(100 * GiB),
  }).prefault({}),
  /** Answer a rejection by opening the sketch on chain, with a bond. */
  contests: z.boolean().default(true),
  /** Call a panel of fresh nodes where the opened sketches of a dispute have no majority. */
  panels: z.boolean().default(true),
  /** Carry an own bid to the chain: where the client did not take it, always or never. */
  postBids: z.enum(['never', 'unacknowledged', 'always']).default('unacknowledged'),
  /** Bid only for jobs that leave so many blocks to post a bid in. */
  minBidBlocks: z.number().int().min(0).max(65_535).default(0),
  /** Class of hardware, by agreement of operators: jobs may ask for one. */
  class: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is not a class such as epyc-7003').optional(),
  /** Let a job's client follow its log before commitments close. */
  liveLogs: z.boolean().default(true),
  /** Also take jobs that run nothing: for measuring the protocol. */
  noopEngine: z.boolean().default(false),
  /** Engines to offer where they work, the preferred first. */
  engines: z.array(z.enum(ENGINE_CHOICES)).default(DEFAULT_ENGINES),
  /** What jobs that ask for it may have of the network; nothing by default. */
  jobNetwork: z.strictObject({
    /** `host:port`; `*.example.org:443` for all names below it; `*` for any host or port. Private addresses stay out of reach whatever this says. */
    allow: z.array(z.string().refine(isNetworkPattern, 'is not a pattern such as example.org:443, *.example.org:* or *')).default([]),
    /** Most bytes of one job, both directions together. */
    maxBytes: size.default(GiB),
    /** Most connections of one job at a time. */
    maxConnections: z.number().int().min(1).max(1024).default(32),
  }).prefault({}),
  /** Kernel of microVMs, in place of Debian's. */
  kernel: z.string().optional(),
  /** OCI runtime to use, where not the first that works. */
  runtime: z.string().optional(),
});

export type NodeConfigInput = z.input<typeof schema>;
export type NodeConfig = z.output<typeof schema>;

/** A quantity with a unit; what does not parse is an issue of its field. */
function measured(parse: (text: string | number) => number) {
  return z.union([z.string(), z.number()]).transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

/** Validates a node's configuration and fills in its defaults. @throws NodeError CONFIG_INVALID, naming each wrong field */
export function parseNodeConfig(input: unknown): NodeConfig {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new NodeError('CONFIG_INVALID', 'the node\'s configuration is not valid', {
    details: result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`).join('; '),
    hint: 'docs/operating-a-node.md lists every field',
  });
}

/** The account's private key from the configuration. @throws NodeError CONFIG_INVALID */
export async function keyOf(config: Pick<NodeConfig, 'key' | 'keyFile'>): Promise<`0x${string}`> {
  const hint = 'openssl rand -hex 32 > node.key makes one';
  const read = (path: string) => readFile(path, 'utf8').catch((cause: unknown) => {
    throw new NodeError('CONFIG_INVALID', 'the node\'s key cannot be read', { details: `${path}: ${messageOf(cause)}`, hint, cause });
  });
  const text = config.key ?? (config.keyFile === undefined ? '' : (await read(config.keyFile)).trim());
  const key = text.startsWith('0x') ? text : `0x${text}`;
  if (/^0x[0-9a-fA-F]{64}$/.test(key)) return key as `0x${string}`;
  throw new NodeError('CONFIG_INVALID', 'the node has no usable key', {
    details: config.keyFile === undefined ? 'neither key nor keyFile is set' : `${config.keyFile} does not hold 32 bytes of hex`,
    hint,
  });
}
