import { hexToBigInt, size, slice, zeroHash, type Address, type Hex } from 'viem';
import {
  bidsHashOf, BPS, hashTypedData, isError, ProtocolError, seatOf, setDigestOf, withCommitments,
  type Bid, type Commitment, type Court, type JobRequest, type Seat, type SignedBid, type SignedSet, type Verdict,
} from '../../protocol/index.ts';
import type { Chain } from '../chain.ts';
import { ChainError } from '../errors.ts';
import { recoverSigner } from './recover-signer.ts';
import { statementOf, type LogAccess, type Statements } from './sign.ts';
import { approvedByWallet } from './wallet-signature.ts';

/** Where contract wallets are asked (EIP-1271); without one only accounts with keys can sign. */
type Wallets = Chain;

/** Half the order of secp256k1: the contract refuses a larger s, which any observer could make from a smaller one. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * The account that signed a statement, by the contract's rules: 65 bytes, v 27 or 28, low s. One signature that is good here and bad
 * there would let a stranger spoil a whole batch.
 *
 * @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID when the statement cannot be encoded
 */
export async function recoverStatement<N extends keyof Statements>(court: Court, name: N, message: Statements[N], signature: Hex): Promise<Address> {
  if (!/^0x[0-9a-f]{130}$/i.test(signature)) throw badSignature(`${size(signature)} bytes, expected 65`);
  const v = hexToBigInt(slice(signature, 64, 65));
  if (v !== 27n && v !== 28n) throw badSignature(`v is ${v}, expected 27 or 28`);
  if (hexToBigInt(slice(signature, 32, 64)) > HALF_ORDER) throw badSignature('s is in the upper half');
  let hash: Hex;
  try {
    hash = hashTypedData(statementOf(court, name, message));
  } catch (cause) {
    throw new ProtocolError('MESSAGE_INVALID', `the ${name} statement cannot be encoded`, { details: cause instanceof Error ? cause.message.split('\n')[0]! : String(cause), cause });
  }
  const signer = recoverSigner(hash, signature);
  if (signer === undefined) throw badSignature('no key makes this signature');
  return signer;
}

/** Checks a client's request. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export function verifyRequest(court: Court, request: JobRequest, signature: Hex): Promise<void> {
  return verify(court, 'JobRequest', request, signature, request.client);
}

/** Checks the client's choice of bids. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export async function verifyAssignment(court: Court, client: Address, jobId: Hex, bids: readonly Bid[], signature: Hex): Promise<void> {
  await verify(court, 'Assignment', { jobId, bidsHash: bidsHashOf(bids) }, signature, client);
}

/**
 * Checks a stranger's bid: terms in range, signed by the node it names. `terms` are those of the job it claims to be for; the contract
 * passes dearer bids over. `seed` is the draw's, where it is known: a claim for another one spoils the assignment; `round` is 0 by default.
 *
 * @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID
 */
export async function verifyBid(court: Court, bid: SignedBid, terms: { jobId: Hex; maxPrice: bigint; seed?: Hex; round?: number }, wallets?: Wallets): Promise<void> {
  if (bid.jobId.toLowerCase() !== terms.jobId.toLowerCase()) throw invalid('the bid is for another job', bid.jobId);
  if (bid.price < 0n || bid.price > terms.maxPrice) throw invalid('the bid asks too much', `${bid.price} > ${terms.maxPrice}`);
  if (!Number.isInteger(bid.locality) || bid.locality < 0 || bid.locality > BPS) throw invalid('the bid\'s locality is out of range', String(bid.locality));
  const claims = hexToBigInt(bid.possession) !== 0n;
  const { seed = claims ? undefined : zeroHash, round = 0 } = terms;
  if (bid.round !== round) throw invalid('the bid is for another draw', String(bid.round));
  if (!claims && bid.seed !== zeroHash) throw invalid('the bid names a seed and claims nothing', bid.seed);
  if (claims && seed !== undefined && bid.seed.toLowerCase() !== seed.toLowerCase()) throw invalid('the bid claims input for another seed', bid.seed);
  // What proves a claim false is a signature that nobody can take back: the contract takes no other.
  await verify(court, 'Bid', bid, bid.signature, bid.node, claims ? undefined : wallets);
}

/**
 * Checks a stranger's commitment: signed by the node it names, which has a seat on the roster.
 *
 * @returns the seat's index
 * @throws ChainError BAD_SIGNATURE, BAD_ROSTER; ProtocolError MESSAGE_INVALID
 */
export async function verifyCommitment(
  court: Court, commitment: Commitment & { signature: Hex }, roster: readonly { node: Address }[], wallets?: Wallets,
): Promise<number> {
  await verify(court, 'Commitment', commitment, commitment.signature, commitment.node, wallets);
  const index = seatOf(roster, commitment.node);
  if (index < 0) throw new ChainError('BAD_ROSTER', 'the commitment is from a node that has no seat', { details: commitment.node });
  return index;
}

/**
 * Checks that every seat signed the set, in order of seat, by its key. A wallet's word closes nothing: it could be another when the set must
 * override what the wallet committed to after it saw the evidence of others.
 *
 * @throws ChainError BAD_SIGNATURE, BAD_ROSTER; ProtocolError MESSAGE_INVALID
 */
export async function verifySet(court: Court, jobId: Hex, roster: readonly Seat[], set: SignedSet): Promise<void> {
  const { commitments, signatures } = set;
  if (commitments.length !== roster.length || signatures.length !== roster.length) {
    throw new ChainError('BAD_ROSTER', 'the set is not of this roster', { details: `${commitments.length} commitments, ${signatures.length} signatures, ${roster.length} seats` });
  }
  const setDigest = setDigestOf(withCommitments(roster, commitments));
  await Promise.all(roster.map(({ node }, seat) => verify(court, 'CommitmentSet', { jobId, setDigest }, signatures[seat]!, node)));
}

/** Checks one seat's signature over a set; `wallets` where it is a wallet's word of now that counts, as for a proof. @throws ChainError BAD_SIGNATURE */
export function verifySetSignature(court: Court, node: Address, set: { jobId: Hex; setDigest: Hex }, signature: Hex, wallets?: Wallets): Promise<void> {
  return verify(court, 'CommitmentSet', set, signature, node, wallets);
}

/** Checks a client's verdict. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export function verifyVerdict(court: Court, client: Address, verdict: Verdict, signature: Hex): Promise<void> {
  return verify(court, 'Verdict', verdict, signature, client);
}

/** Checks a call for a panel. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export function verifySummon(court: Court, summon: Statements['Summon'], signature: Hex): Promise<void> {
  return verify(court, 'Summon', summon, signature, summon.caller);
}

/** Checks a node's contest. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export function verifyContest(court: Court, contest: { jobId: Hex; node: Address }, signature: Hex): Promise<void> {
  return verify(court, 'Contest', contest, signature, contest.node);
}

/** Checks a client's cancellation. @throws ChainError BAD_SIGNATURE; ProtocolError MESSAGE_INVALID */
export function verifyCancel(court: Court, client: Address, jobId: Hex, signature: Hex): Promise<void> {
  return verify(court, 'Cancel', { jobId }, signature, client);
}

/** Checks a client's permission to read a log, and that it has not run out. @throws ChainError BAD_SIGNATURE, TOO_LATE; ProtocolError MESSAGE_INVALID */
export async function verifyLogAccess(court: Court, client: Address, access: LogAccess, signature: Hex, nowSeconds = Date.now() / 1000): Promise<void> {
  await verify(court, 'LogAccess', access, signature, client);
  if (Number(access.expires) < nowSeconds) throw new ChainError('TOO_LATE', 'the permission to read the log has run out', { args: { deadline: access.expires } });
}

async function verify<N extends keyof Statements>(
  court: Court, name: N, message: Statements[N], signature: Hex, expected: Address, wallets?: Wallets,
): Promise<void> {
  try {
    const signer = await recoverStatement(court, name, message, signature);
    if (signer.toLowerCase() !== expected.toLowerCase()) throw badSignature(`${name} signed by ${signer}, expected ${expected}`);
  } catch (error) {
    if (wallets === undefined || !isError(error, 'BAD_SIGNATURE')) throw error;
    if (!(await approvedByWallet(wallets, expected, hashTypedData(statementOf(court, name, message)), signature))) throw error;
  }
}

function badSignature(details: string): ChainError {
  return new ChainError('BAD_SIGNATURE', 'the signature is not valid', { details });
}

function invalid(text: string, details: string): ProtocolError {
  return new ProtocolError('MESSAGE_INVALID', text, { details });
}
