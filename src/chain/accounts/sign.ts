import type { Hex, LocalAccount, TypedDataDefinition } from 'viem';
import { bidsHashOf, courtDomain, statementTypes, type Bid, type Commitment, type Court, type JobRequest, type Verdict } from '../../protocol/index.ts';

/** Whoever signs statements: a viem local account. */
export type Signer = Pick<LocalAccount, 'address' | 'signTypedData'>;

/** Statements by name; `statementOf` turns one into EIP-712 typed data. */
export interface Statements {
  JobRequest: JobRequest;
  Assignment: { jobId: Hex; bidsHash: Hex };
  Bid: Bid;
  Commitment: Commitment;
  CommitmentSet: { jobId: Hex; setDigest: Hex };
  Verdict: Verdict;
  Audit: { jobId: Hex; secret: Hex; auditBps: number };
  Summon: { jobId: Hex; caller: Hex };
  Contest: { jobId: Hex; node: Hex };
  Cancel: { jobId: Hex };
  LogAccess: LogAccess;
}

/** A client lets its own peer read a job's log until `expires` (unix seconds). */
export interface LogAccess { jobId: Hex; peer: string; expires: bigint }

/** EIP-712 typed data of a statement in a court; extra fields of the message are ignored. */
export function statementOf<N extends keyof Statements>(court: Court, primaryType: N, message: Statements[N]): TypedDataDefinition {
  return { domain: courtDomain(court), types: statementTypes, primaryType, message: { ...message } } as unknown as TypedDataDefinition;
}

/** The client's signature over its request: lets anyone carry `submit`. 65 bytes, as all below. */
export function signRequest(signer: Signer, court: Court, request: JobRequest): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'JobRequest', request));
}

/** The client's signature over a list of bids, in the order in which `assign` gets them: lets anyone carry `assign`. */
export function signAssignment(signer: Signer, court: Court, jobId: Hex, bids: readonly Bid[]): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Assignment', { jobId, bidsHash: bidsHashOf(bids) }));
}

/** The node's signature over its bid. */
export function signBid(signer: Signer, court: Court, bid: Bid): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Bid', bid));
}

/** The node's signature over its commitment. */
export function signCommitment(signer: Signer, court: Court, commitment: Commitment): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Commitment', commitment));
}

/** The node's signature over a set of commitments: these are all there will be. */
export function signCommitmentSet(signer: Signer, court: Court, set: { jobId: Hex; setDigest: Hex }): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'CommitmentSet', set));
}

/** The client's signature over its verdict: lets anyone carry `settle` or `settleDirect`. */
export function signVerdict(signer: Signer, court: Court, verdict: Verdict): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Verdict', verdict));
}

/** The client's signature over a job's audit: lets anyone carry `audit`. It shows the secret to whoever gets it. */
export function signAudit(signer: Signer, court: Court, audit: Statements['Audit']): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Audit', audit));
}

/** The signature of a client or a seat that calls for a panel: lets anyone carry `summon`. */
export function signSummon(signer: Signer, court: Court, jobId: Hex): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Summon', { jobId, caller: signer.address }));
}

/** A rejected node's signature over its contest: lets anyone carry `contest`. */
export function signContest(signer: Signer, court: Court, jobId: Hex): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Contest', { jobId, node: signer.address }));
}

/** The client's signature over a cancellation: lets anyone carry `cancel`. */
export function signCancel(signer: Signer, court: Court, jobId: Hex): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'Cancel', { jobId }));
}

/** The client's permission for one peer to read a job's log. */
export function signLogAccess(signer: Signer, court: Court, access: LogAccess): Promise<Hex> {
  return signer.signTypedData(statementOf(court, 'LogAccess', access));
}
