import * as cborg from 'cborg';
import { z } from 'zod';
import { ProtocolError } from '../base/errors.ts';
import { BPS, MAX_MESSAGE_BYTES, MAX_REPLICAS, MAX_RECEIPT_ERROR_CHARS, MAX_SHARDS, MAX_SPEC_BYTES, MAX_WINDOW_BYTES } from '../constants.ts';

const hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/i).transform((text) => text.toLowerCase() as `0x${string}`);
const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/i).transform((text) => text.toLowerCase() as `0x${string}`);
const hex16 = z.string().regex(/^0x[0-9a-f]{32}$/i).transform((text) => text.toLowerCase() as `0x${string}`);
const address = z.string().regex(/^0x[0-9a-f]{40}$/i).transform((text) => text as `0x${string}`);
const amount = z.string().regex(/^\d{1,30}$/).transform(BigInt);
/** Up to 2^256. */
const bigAmount = z.string().regex(/^\d{1,78}$/).transform(BigInt);
const window = z.number().int().min(0).max(0xffff_ffff);
const bytes = (max: number) => z.custom<Uint8Array>((b) => b instanceof Uint8Array && b.length <= max, `must be at most ${max} bytes`);
/** Addresses of one peer in a message. */
export const MAX_ADDRS = 16;
const addrs = z.array(z.string().max(300)).max(MAX_ADDRS);

const request = z.strictObject({
  client: address, nonce: amount, specDigest: hex32, replicas: z.number().int(), policy: z.number().int(), maxPrice: amount, stake: amount,
  minScore: z.number().int(), assignWindow: window, commitWindow: window, settleWindow: window, disputeWindow: window,
  sealKey: hex32, secretHash: hex32, reach: bigAmount, bidBlocks: z.number().int().min(0).max(0xffff), shards: z.number().int().min(1).max(0xffff_ffff),
  dataRoot: hex32, dataBytes: amount,
});

const announced = z.strictObject({ request, spec: bytes(MAX_SPEC_BYTES), addrs });

/** A wire message: a zod schema with a name; amounts travel as decimal text, hashes as hex. */
export interface MessageType<T> { name: string; schema: z.ZodType<T>; maxBytes: number }

/** Client -> everybody (gossip): a job exists, here is its spec, bids go to this peer. */
export const announcement = message('announcement', announced, MAX_SPEC_BYTES + 8192);
/** Node -> any peer: what was announced for this job? Asked by a node that missed the gossip. */
export const announcementRequest = message('announcement-request', z.strictObject({ jobId: hex32 }), 1024);
/** Peer -> node: the announcement, or that this peer has not seen it. */
export const announcementResponse = message('announcement-response', z.discriminatedUnion('found', [
  z.strictObject({ found: z.literal(true), announcement: announced }),
  z.strictObject({ found: z.literal(false) }),
]), MAX_SPEC_BYTES + 9216);
/** Node -> client: a signed bid, and where the node listens. */
export const bidMessage = message('bid', z.strictObject({
  bid: z.strictObject({
    jobId: hex32, node: address, price: amount, locality: z.number().int().min(0).max(BPS), possession: hex16, seed: hex32,
    round: z.number().int().min(0).max(1), signature: hex,
  }),
  addrs,
}), 8192);
/** Node -> client: the signed commitment to its replica. */
export const commitmentMessage = message('commitment', z.strictObject({ jobId: hex32, node: address, commitment: hex32, signature: hex }), 8192);
const commitments = z.array(hex32).min(1).max(MAX_REPLICAS);
/** Client -> node: these are all commitments, in order of seat; sign that there will be no others. */
export const setRequest = message('set-request', z.strictObject({ jobId: hex32, commitments }), 4096);
/** Node -> client: its signature over the set, or why not. */
export const setResponse = message('set-response', z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('signed'), signature: hex }),
  z.strictObject({ status: z.literal('refused'), reason: z.string().max(500) }),
]), 4096);
/** What `secretHash` is the hash of: shown once the commitments are closed. */
const reveal = z.strictObject({ secret: hex32, auditBps: z.number().int().min(0).max(BPS) });
/**
 * Client -> node: the evidence, please; with the signed set where the chain is not closed for commitments. The only replica of a job
 * hands it over against the secret, which shows that the job is not drawn for an audit.
 */
export const evidenceRequest = message('evidence-request', z.strictObject({
  jobId: hex32, set: z.strictObject({ commitments, signatures: z.array(hex).max(MAX_REPLICAS) }).optional(), reveal: reveal.optional(),
}), 32 * 1024);
/** Where the bytes of one input came from. */
const receipt = z.strictObject({
  cid: z.string().max(100), bytes: z.number(), blocks: z.number(), ms: z.number(),
  sources: z.array(z.strictObject({
    name: z.string().max(100), local: z.boolean(), blocks: z.number(), bytes: z.number(), ms: z.number(),
    errors: z.array(z.string().max(MAX_RECEIPT_ERROR_CHARS)).max(10),
  })).max(64),
});

/** Node -> client: evidence and opening, HPKE-sealed to the job's key, or why not yet. */
export const evidenceResponse = message('evidence-response', z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('sealed'), sealed: bytes(MAX_MESSAGE_BYTES), receipts: z.array(receipt).max(128).optional() }),
  z.strictObject({ status: z.literal('refused'), reason: z.string().max(500) }),
]), MAX_MESSAGE_BYTES);
/** Client -> node: the evidence of a job's shards, please, from this one on; the manifest of them was handed over before. */
export const shardsRequest = message('shards-request', z.strictObject({ jobId: hex32, from: z.number().int().min(0).max(MAX_SHARDS), reveal: reveal.optional() }), 1024);
/** Node -> client: the evidence of one shard or more, as many as fit, HPKE-sealed to the job's key, or why not yet. */
export const shardsResponse = message('shards-response', z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('sealed'), sealed: bytes(MAX_MESSAGE_BYTES) }),
  z.strictObject({ status: z.literal('refused'), reason: z.string().max(500) }),
]), MAX_MESSAGE_BYTES);
/** Client -> node: open the windows that the secret and the set of commitments draw; of a job of shards those of one. */
export const windowsRequest = message('windows-request', z.strictObject({
  jobId: hex32, ...reveal.shape, setDigest: hex32, shard: z.number().int().min(0).max(MAX_SHARDS).optional(),
}), 1024);
/** Node -> client: each drawn window and the hashes that lead from it to the committed root, or why not yet. */
export const windowsResponse = message('windows-response', z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('opened'),
    windows: z.array(z.strictObject({ leaf: bytes(MAX_WINDOW_BYTES), proof: z.array(bytes(32)).max(32) })).max(16),
  }),
  z.strictObject({ status: z.literal('refused'), reason: z.string().max(500) }),
]), 8 * MAX_WINDOW_BYTES);
/** Client -> node: follow the replica's log; signed by the client's account for its own peer. */
export const logRequest = message('log-request', z.strictObject({ jobId: hex32, expires: z.number().int(), signature: hex }), 1024);
/** Node -> client, many: a piece of the log. */
export const logChunk = message('log-chunk', z.strictObject({ stream: z.enum(['stdout', 'stderr', 'info']), data: bytes(1 << 20) }), (1 << 20) + 1024);
/** Anybody -> node: who are you, and how much of these do you hold? */
export const statusRequest = message('status-request', z.strictObject({ cids: z.array(z.string().max(100)).max(100) }), 16 * 1024);
/** Node -> anybody. `network`: those of its engines whose jobs it gives a network, none where its operator permits none. */
export const statusResponse = message('status-response', z.strictObject({
  address, agent: z.string().max(100), engines: z.array(z.string().max(40)).max(16), network: z.array(z.string().max(40)).max(16).optional(), price: amount,
  cpus: z.number(), memoryBytes: z.number(), diskBytes: z.number(), running: z.number(), waiting: z.number(),
  held: z.array(z.strictObject({ cid: z.string().max(100), heldBytes: z.number(), totalBytes: z.number() })).max(100),
}), 64 * 1024);
/** Short answer where only success matters. */
export const ack = message('ack', z.strictObject({ ok: z.boolean(), reason: z.string().max(500).optional() }), 1024);

export type Announcement = MessageOf<typeof announcement>;
export type AnnouncementResponse = MessageOf<typeof announcementResponse>;
export type BidMessage = MessageOf<typeof bidMessage>;
export type CommitmentMessage = MessageOf<typeof commitmentMessage>;
export type EvidenceRequest = MessageOf<typeof evidenceRequest>;
export type EvidenceResponse = MessageOf<typeof evidenceResponse>;
export type ShardsRequest = MessageOf<typeof shardsRequest>;
export type ShardsResponse = MessageOf<typeof shardsResponse>;
export type WindowsRequest = MessageOf<typeof windowsRequest>;
export type WindowsResponse = MessageOf<typeof windowsResponse>;
export type LogRequest = MessageOf<typeof logRequest>;
export type StatusResponse = MessageOf<typeof statusResponse>;
export type LogChunk = MessageOf<typeof logChunk>;
export type MessageOf<M> = M extends MessageType<infer T> ? T : never;

/** Encodes a message as CBOR. */
export function encodeMessage<T>(type: MessageType<T>, value: T): Uint8Array {
  const encoded = cborg.encode(portable(value));
  if (encoded.length > type.maxBytes) {
    throw new ProtocolError('MESSAGE_TOO_LARGE', `the ${type.name} message is too large`, { details: `${encoded.length} > ${type.maxBytes} bytes` });
  }
  return encoded;
}

/** Decodes and validates a message from a stranger. @throws ProtocolError MESSAGE_INVALID, MESSAGE_TOO_LARGE */
export function decodeMessage<T>(type: MessageType<T>, encoded: Uint8Array): T {
  if (encoded.length > type.maxBytes) {
    throw new ProtocolError('MESSAGE_TOO_LARGE', `the ${type.name} message is too large`, { details: `${encoded.length} > ${type.maxBytes} bytes` });
  }
  let value: unknown;
  try {
    value = cborg.decode(encoded, { allowUndefined: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw new ProtocolError('MESSAGE_INVALID', `the ${type.name} message is not CBOR`, { cause });
  }
  const result = type.schema.safeParse(value);
  if (result.success) return result.data;
  const details = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new ProtocolError('MESSAGE_INVALID', `the ${type.name} message is malformed`, { details });
}

function message<S extends z.ZodType>(name: string, schema: S, maxBytes: number): MessageType<z.output<S>> {
  return { name, schema: schema as unknown as z.ZodType<z.output<S>>, maxBytes };
}

/** bigint -> decimal text; everything else as it is. */
function portable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(portable);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, portable(v)]));
  }
  return value;
}
