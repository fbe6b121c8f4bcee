import type { Address, Hex, TypedDataDefinition, TypedDataDomain } from 'viem';
import { encodeAbiParameters, keccak256 } from 'viem/utils';
import { hashTypedData } from './hash-typed-data.ts';
import { sketchRootFrom } from './sketch-root.ts';
import { zeroHash } from '../base/words.ts';

/** The on-chain form of a job: what the client signs, and what every later call repeats so that the contract need not store it. */
export interface JobRequest {
  client: Address;
  /** Chosen by the client; a second submit of the same request is refused. */
  nonce: bigint;
  /** SHA-256 of the canonical spec. */
  specDigest: Hex;
  /** k, 1 to 15. */
  replicas: number;
  /** Index into POLICIES. */
  policy: number;
  /** Highest price for one replica, in coin units. */
  maxPrice: bigint;
  /** Stake locked for one replica, in coin units. */
  stake: bigint;
  /** Lowest reputation score a node may have, in basis points. */
  minScore: number;
  /** Seconds from submit in which `assign` must happen. */
  assignWindow: number;
  /** Seconds from assign in which nodes must commit. */
  commitWindow: number;
  /** Seconds from commit in which the client must settle. */
  settleWindow: number;
  /** Seconds to contest a verdict, and again to open sketches. */
  disputeWindow: number;
  /** X25519 public key that evidence is sealed to. */
  sealKey: Hex;
  /** `secretHashOf` a secret that the client reveals with probes and audits, and the chance of an audit. */
  secretHash: Hex;
  /** Sortition: a bid counts only if its key in the draw is at most this, widened with time (`reachAfter`); 0: every bid counts. */
  reach: bigint;
  /** Blocks after the seed's for nodes to post bids that the client leaves out. */
  bidBlocks: number;
  /** In how many shards the work is cut, at least 1. */
  shards: number;
  /** Root of the possession tree over the inputs; zero: no bid may claim to hold input. */
  dataRoot: Hex;
  /** Bytes under dataRoot. */
  dataBytes: bigint;
}

/** The terms of a job that uses nothing of this: every bid counts, drawn at once, one shard, no claims to hold input. */
export const PLAIN_TERMS = { reach: 0n, bidBlocks: 0, shards: 1, dataRoot: zeroHash, dataBytes: 0n } as const satisfies Partial<JobRequest>;

export const POLICIES = ['trace', 'exact', 'none'] as const;

/** A node's offer to run one replica. */
export interface Bid {
  jobId: Hex;
  node: Address;
  /** Asked for the replica, in coin units. */
  price: bigint;
  /** Share of the input already on the node, in basis points. Counts only with a possession. */
  locality: number;
  /** 16 bytes: `possessionOf` the input, or zero for no claim. */
  possession: Hex;
  /** The draw's seed where there is a claim, else zero. */
  seed: Hex;
  /** 0 for the first draw, 1 for the newcomers of a widened job. */
  round: number;
}

/** The part of a bid that claims to hold nothing, in a job's first draw. */
export const NO_CLAIM = { possession: `0x${'00'.repeat(16)}`, seed: zeroHash, round: 0 } as const satisfies Partial<Bid>;

/** A bid with the node's signature. */
export interface SignedBid extends Bid { signature: Hex }

/** A place on a job's roster. */
export interface Seat { node: Address; price: bigint }

/** A place once commitments are closed; zero where none was posted. */
export interface SealedSeat extends Seat { commitment: Hex }

/** A node's sealed word on its replica. */
export interface Commitment { jobId: Hex; node: Address; commitment: Hex }

/** A commitment with the node's seat on the roster and its signature. */
export interface SignedCommitment { index: number; commitment: Hex; signature: Hex }

/** All commitments of a job, in order of seat, with every seat's signature over the set. */
export interface SignedSet { commitments: readonly Hex[]; signatures: readonly Hex[] }

/** Something a node signed about its commitment: a whole set, or its own alone. */
export interface Pledge { isSet: boolean; commitments: readonly Hex[]; signature: Hex }

/** What a commitment hides until it is opened. */
export interface Opening {
  /** SHA-256 multihash digest of the result CID. */
  resultDigest: Hex;
  /** keccak256 of the encoded evidence. */
  evidenceDigest: Hex;
  /** Random, 32 bytes. */
  salt: Hex;
  /** Of the shard that is opened; at most 256 bytes. */
  sketch: Hex;
  /** From the sketch's leaf up to the root that was committed to; empty where there is one shard. */
  proof: readonly Hex[];
}

/**
 * The client's word on the replicas: bit i is set when seat i agreed. `setDigest` says which commitments were judged, `shard` which shard
 * is opened if a rejected seat contests.
 */
export interface Verdict { jobId: Hex; setDigest: Hex; agreed: number; shard: number; reportDigest: Hex }

const JobRequestType = [
  { name: 'client', type: 'address' }, { name: 'nonce', type: 'uint64' }, { name: 'specDigest', type: 'bytes32' },
  { name: 'replicas', type: 'uint8' }, { name: 'policy', type: 'uint8' }, { name: 'maxPrice', type: 'uint88' },
  { name: 'stake', type: 'uint88' }, { name: 'minScore', type: 'uint16' }, { name: 'assignWindow', type: 'uint32' },
  { name: 'commitWindow', type: 'uint32' }, { name: 'settleWindow', type: 'uint32' }, { name: 'disputeWindow', type: 'uint32' },
  { name: 'sealKey', type: 'bytes32' }, { name: 'secretHash', type: 'bytes32' }, { name: 'reach', type: 'uint256' },
  { name: 'bidBlocks', type: 'uint16' }, { name: 'shards', type: 'uint32' }, { name: 'dataRoot', type: 'bytes32' },
  { name: 'dataBytes', type: 'uint64' },
] as const;

/** Every statement of the protocol, as EIP-712 types. */
export const statementTypes = {
  JobRequest: JobRequestType,
  Assignment: [{ name: 'jobId', type: 'bytes32' }, { name: 'bidsHash', type: 'bytes32' }],
  Bid: [
    { name: 'jobId', type: 'bytes32' }, { name: 'node', type: 'address' },
    { name: 'price', type: 'uint88' }, { name: 'locality', type: 'uint16' }, { name: 'possession', type: 'bytes16' },
    { name: 'seed', type: 'bytes32' }, { name: 'round', type: 'uint8' },
  ],
  Commitment: [{ name: 'jobId', type: 'bytes32' }, { name: 'node', type: 'address' }, { name: 'commitment', type: 'bytes32' }],
  CommitmentSet: [{ name: 'jobId', type: 'bytes32' }, { name: 'setDigest', type: 'bytes32' }],
  Verdict: [
    { name: 'jobId', type: 'bytes32' }, { name: 'setDigest', type: 'bytes32' }, { name: 'agreed', type: 'uint16' },
    { name: 'shard', type: 'uint32' }, { name: 'reportDigest', type: 'bytes32' },
  ],
  Audit: [{ name: 'jobId', type: 'bytes32' }, { name: 'secret', type: 'bytes32' }, { name: 'auditBps', type: 'uint16' }],
  Summon: [{ name: 'jobId', type: 'bytes32' }, { name: 'caller', type: 'address' }],
  Contest: [{ name: 'jobId', type: 'bytes32' }, { name: 'node', type: 'address' }],
  Cancel: [{ name: 'jobId', type: 'bytes32' }],
  LogAccess: [{ name: 'jobId', type: 'bytes32' }, { name: 'peer', type: 'string' }, { name: 'expires', type: 'uint64' }],
} as const;

/** Where a statement is valid. */
export interface Court { chainId: number; scheduler: Address }

/** The EIP-712 domain of a court. */
export function courtDomain({ chainId, scheduler }: Court): TypedDataDomain {
  return { name: 'Gadus', version: '1', chainId, verifyingContract: scheduler };
}

/** The job's id: the EIP-712 digest of its request, so it binds chain, contract and every term. */
export function jobIdOf(court: Court, request: JobRequest): Hex {
  return hashTypedData({ domain: courtDomain(court), types: statementTypes, primaryType: 'JobRequest', message: { ...request } } as unknown as TypedDataDefinition);
}

/**
 * keccak256(abi.encode(jobId, node, resultDigest, evidenceDigest, sketchRoot, salt)): binds job and node, says nothing until opened. The
 * root is that which sketch and proof of shard number `shard` lead to.
 */
export function commitmentOf(jobId: Hex, node: Address, opening: Opening, shard = 0): Hex {
  return keccak256(encodeAbiParameters(
    [{ type: 'bytes32' }, { type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }],
    [jobId, node, opening.resultDigest, opening.evidenceDigest, sketchRootFrom(opening.sketch, opening.proof, shard), opening.salt],
  ));
}

/** keccak256 over the bids' terms in order, as `assign` computes it: what the client signs when somebody else carries the assignment. */
export function bidsHashOf(bids: readonly Bid[]): Hex {
  return keccak256(encodeAbiParameters(
    [{ type: 'tuple[]', components: [{ name: 'node', type: 'address' }, { name: 'price', type: 'uint88' }, { name: 'locality', type: 'uint16' }, { name: 'possession', type: 'bytes16' }] }],
    [bids.map(({ node, price, locality, possession }) => ({ node, price, locality, possession }))],
  ));
}

/** keccak256(abi.encode(roster)), the only thing the contract stores of a roster. */
export function rosterHashOf(roster: readonly Seat[]): Hex {
  return keccak256(encodeAbiParameters(
    [{ type: 'tuple[]', components: [{ name: 'node', type: 'address' }, { name: 'price', type: 'uint88' }] }],
    [roster],
  ));
}

/** keccak256(abi.encode(roster with its commitments)): what the contract stores from Committed on, and what a set's signatures are over. */
export function setDigestOf(roster: readonly SealedSeat[]): Hex {
  return keccak256(encodeAbiParameters(
    [{ type: 'tuple[]', components: [{ name: 'node', type: 'address' }, { name: 'price', type: 'uint88' }, { name: 'commitment', type: 'bytes32' }] }],
    [roster],
  ));
}

/** A roster with the commitments of a set, in order of seat. */
export function withCommitments(roster: readonly Seat[], commitments: readonly Hex[]): SealedSeat[] {
  return roster.map(({ node, price }, seat) => ({ node, price, commitment: commitments[seat] ?? zeroHash }));
}
