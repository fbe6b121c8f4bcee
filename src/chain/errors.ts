import { decodeErrorResult, type Hex } from 'viem';
import { BaseError, JOB_STATES, type ErrorInit } from '../protocol/index.ts';
import { coinAbi, schedulerAbi } from './abi.ts';

/** What the scheduler or the coin refused. */
export type ContractErrorCode =
  | 'WRONG_STATE' | 'TOO_EARLY' | 'TOO_LATE' | 'BAD_REQUEST' | 'BAD_SIGNATURE' | 'BAD_ROSTER' | 'BAD_INDEX' | 'BAD_ORDER'
  | 'ALREADY_COMMITTED' | 'NOT_COMMITTED' | 'BAD_OPENING' | 'NOT_REJECTED' | 'BAD_VERDICT' | 'NOT_ENOUGH_BIDS' | 'TOO_MANY_BIDS'
  | 'SEED_NOT_YET' | 'SEED_GONE' | 'BID_LEFT_OUT' | 'BID_INELIGIBLE' | 'POSTING_OVER' | 'BAD_SHARD' | 'BAD_SECRET' | 'NOT_DRAWN' | 'NOT_WIDENABLE' | 'MAJORITY_FOUND'
  | 'BAD_CHUNK' | 'NO_FALSE_CLAIM' | 'NO_EQUIVOCATION' | 'COIN_SHORT' | 'INSUFFICIENT_FUNDS' | 'AMOUNT_TOO_LARGE'
  | 'COIN_BALANCE_TOO_LOW' | 'ALLOWANCE_TOO_LOW' | 'PERMIT_INVALID' | 'COIN_REFUSED';

export type ChainErrorCode =
  | ContractErrorCode
  /** Reverted for a reason that is none of the contract's own. */
  | 'TX_REVERTED'
  /** No receipt in time; the transaction may still be mined. */
  | 'TX_TIMEOUT'
  /** The account cannot pay for gas. */
  | 'GAS_FUNDS_TOO_LOW'
  /** Another program sends from the same account. */
  | 'NONCE_CONFLICT'
  | 'RPC_UNREACHABLE' | 'RPC_ERROR' | 'CHAIN_MISMATCH' | 'NO_CONTRACT' | 'NO_ACCOUNT'
  | 'EVENT_INVALID' | 'CURSOR_INVALID' | 'CURSOR_MISMATCH' | 'CURSOR_UNWRITABLE' | 'REORG_TOO_DEEP' | 'ADDRESSES_INVALID' | 'KEYSTORE_INVALID'
  | 'ANVIL_MISSING' | 'ANVIL_FAILED';

/** Errors of the chain folder. `args` are the arguments of a contract error, by name. */
export class ChainError extends BaseError<ChainErrorCode> {
  override readonly name = 'ChainError';
  readonly args?: Readonly<Record<string, unknown>>;

  constructor(code: ChainErrorCode, shortMessage: string, init: ErrorInit & { args?: Record<string, unknown> } = {}) {
    super(code, shortMessage, init);
    if (init.args !== undefined) this.args = init.args;
  }
}

type Args = readonly unknown[];
interface Description { code: ContractErrorCode; text: (args: Args) => string; hint?: string }

const time = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString();
const REQUEST_FIELDS = [
  'client', 'nonce', 'specDigest', 'replicas', 'policy', 'maxPrice', 'stake', 'minScore',
  'assignWindow', 'commitWindow', 'settleWindow', 'disputeWindow', 'sealKey', 'secretHash', 'reach', 'bidBlocks', 'shards', 'dataRoot', 'dataBytes',
];
const invalidPermit = (text: string): Description => ({ code: 'PERMIT_INVALID', text: () => text, hint: 'sign a new permit' });
const refusedCoin = (text: string): Description => ({ code: 'COIN_REFUSED', text: () => text });

/** Every custom error of the two contracts; a test compares the keys with the ABI. */
export const CONTRACT_ERRORS: Readonly<Record<string, Description>> = {
  WrongState: {
    code: 'WRONG_STATE', text: ([actual]) => `the job's state is ${JOB_STATES[Number(actual)] ?? String(actual)}`,
    hint: 'somebody else may have carried this step already: read the job again',
  },
  TooEarly: { code: 'TOO_EARLY', text: ([deadline]) => `possible only after ${time(deadline)}` },
  TooLate: { code: 'TOO_LATE', text: ([deadline]) => `was possible until ${time(deadline)}`, hint: 'anyone may now call expire or resolve' },
  BadRequest: {
    code: 'BAD_REQUEST', text: ([field]) => `field ${REQUEST_FIELDS[Number(field)] ?? String(field)} of the job request is out of range`,
    hint: 'the scheduler fixes the shortest and the longest window; the stake must be at least the highest price',
  },
  BadSignature: { code: 'BAD_SIGNATURE', text: ([expected]) => `not signed by ${String(expected)}` },
  BadRoster: { code: 'BAD_ROSTER', text: () => 'the roster is not the one that was drawn', hint: 'take it from the Assigned event' },
  BadIndex: { code: 'BAD_INDEX', text: ([index]) => `the roster has no seat ${String(index)}` },
  BadOrder: { code: 'BAD_ORDER', text: () => 'bids must ascend by node; openings must be exactly the opened ones, by seat' },
  AlreadyCommitted: { code: 'ALREADY_COMMITTED', text: ([index]) => `seat ${String(index)} has committed to something else` },
  NotCommitted: { code: 'NOT_COMMITTED', text: ([index]) => `seat ${String(index)} has not committed` },
  BadOpening: { code: 'BAD_OPENING', text: ([index]) => `the opening of seat ${String(index)} does not match its commitment` },
  NotRejected: { code: 'NOT_REJECTED', text: ([index]) => `seat ${String(index)} was not rejected, or has contested already` },
  BadVerdict: {
    code: 'BAD_VERDICT',
    text: ([agreed, committed]) => `the verdict ${mask(agreed)} names seats that have not committed (${mask(committed)} have)`,
  },
  NotEnoughBids: {
    code: 'NOT_ENOUGH_BIDS', text: ([eligible, needed]) => `${String(eligible)} eligible bids, ${String(needed)} needed`,
    hint: 'a bid counts when its node registered before the submit, has the free stake and the score, and keeps below the price',
  },
  TooManyBids: { code: 'TOO_MANY_BIDS', text: ([count]) => `${String(count)} bids are too many` },
  SeedNotYet: { code: 'SEED_NOT_YET', text: ([block]) => `the draw waits for block ${String(block)}`, hint: 'try again after the next block' },
  SeedGone: { code: 'SEED_GONE', text: ([block]) => `the hash of block ${String(block)} is no longer known`, hint: 'cancel the job and submit it anew' },
  BidLeftOut: {
    code: 'BID_LEFT_OUT', text: ([node]) => `the node ${String(node)} has posted a bid that is not among these`,
    hint: 'take it from the BidPosted event, with the terms it was posted with',
  },
  PostingOver: { code: 'POSTING_OVER', text: ([block]) => `bids could be posted until block ${String(block)}` },
  BidIneligible: {
    code: 'BID_INELIGIBLE', text: ([node]) => `the draw would pass over the bid of ${String(node)}`,
    hint: 'a bid counts when its node registered before the submit, has the free stake and the score, keeps below the price and is within reach',
  },
  BadShard: { code: 'BAD_SHARD', text: ([shard]) => `the job has no shard ${String(shard)}` },
  BadSecret: { code: 'BAD_SECRET', text: () => 'secret and chance of an audit are not those the request carries the hash of' },
  NotDrawn: { code: 'NOT_DRAWN', text: () => 'the secret does not draw this job for an audit', hint: 'settle it' },
  NotWidenable: {
    code: 'NOT_WIDENABLE', text: () => 'the job cannot be widened',
    hint: 'an audit is for one seat, a panel for at most seven that all committed and opened; each job can be widened once',
  },
  MajorityFound: { code: 'MAJORITY_FOUND', text: () => 'the opened sketches have a majority', hint: 'resolve the job' },
  BadChunk: { code: 'BAD_CHUNK', text: ([index]) => `chunk ${String(index)} is not what the seed picks from the job's input` },
  NoFalseClaim: { code: 'NO_FALSE_CLAIM', text: () => 'the seat claimed nothing, claimed rightly, or is convicted already' },
  InsufficientFunds: {
    code: 'INSUFFICIENT_FUNDS', text: ([available, needed]) => `${String(available)} units free, ${String(needed)} needed`,
    hint: 'a node adds stake with register, a client adds coin with fund',
  },
  NoEquivocation: { code: 'NO_EQUIVOCATION', text: () => 'the two statements do not contradict each other, or the seat is convicted already' },
  CoinShort: { code: 'COIN_SHORT', text: ([received, expected]) => `${String(received)} of ${String(expected)} units arrived`, hint: 'a coin that takes a fee cannot be used' },
  AmountTooLarge: { code: 'AMOUNT_TOO_LARGE', text: () => 'replicas times price exceed 2^88 units' },
  ERC20InsufficientBalance: {
    code: 'COIN_BALANCE_TOO_LOW', text: ([account, balance, needed]) => `${String(account)} has ${String(balance)} units, ${String(needed)} needed`,
  },
  ERC20InsufficientAllowance: {
    code: 'ALLOWANCE_TOO_LOW',
    text: ([spender, allowance, needed]) => `${String(spender)} may take ${String(allowance)} units, ${String(needed)} needed`,
    hint: 'approve the scheduler first',
  },
  ERC2612ExpiredSignature: { code: 'PERMIT_INVALID', text: ([deadline]) => `the permit expired at ${time(deadline)}`, hint: 'sign a new permit' },
  ERC2612InvalidSigner: { code: 'PERMIT_INVALID', text: ([signer, owner]) => `signed by ${String(signer)}, not by ${String(owner)}` },
  ECDSAInvalidSignature: invalidPermit('the permit\'s signature is malformed'),
  ECDSAInvalidSignatureLength: invalidPermit('the permit\'s signature has a wrong length'),
  ECDSAInvalidSignatureS: invalidPermit('the permit\'s signature is malleable'),
  InvalidAccountNonce: invalidPermit('the permit\'s nonce is used'),
  ERC20InvalidApprover: refusedCoin('the approver is the zero address'),
  ERC20InvalidReceiver: refusedCoin('the receiver is the zero address'),
  ERC20InvalidSender: refusedCoin('the sender is the zero address'),
  ERC20InvalidSpender: refusedCoin('the spender is the zero address'),
  SafeERC20FailedOperation: refusedCoin('the coin\'s transfer failed'),
  FailedCall: refusedCoin('a call failed without a reason'),
  AddressEmptyCode: refusedCoin('there is no contract'),
  InvalidShortString: refusedCoin('the coin was built wrongly'),
  StringTooLong: refusedCoin('the coin was built wrongly'),
};

const SHORT: Partial<Record<ContractErrorCode, string>> = {
  WRONG_STATE: 'the job is in another state', TOO_EARLY: 'too early', TOO_LATE: 'too late', BAD_REQUEST: 'the job request is not valid',
  BAD_SIGNATURE: 'the signature is not valid', NOT_ENOUGH_BIDS: 'not enough eligible bids', INSUFFICIENT_FUNDS: 'not enough free coin in the scheduler',
  COIN_BALANCE_TOO_LOW: 'not enough coin', ALLOWANCE_TOO_LOW: 'the scheduler may not take the coin', PERMIT_INVALID: 'the permit is not valid',
  BID_LEFT_OUT: 'a posted bid is left out', SEED_NOT_YET: 'the seed is not known yet', SEED_GONE: 'the seed is lost',
};

const contractErrorsAbi = [...schedulerAbi, ...coinAbi].filter((item) => item.type === 'error');

/** Decodes a revert's data. Returns undefined for data that belongs to neither contract. */
export function contractError(data: Hex, cause?: unknown): ChainError | undefined {
  let decoded: { errorName: string; args?: readonly unknown[]; abiItem: { inputs?: readonly { name?: string }[] } };
  try {
    decoded = decodeErrorResult({ abi: contractErrorsAbi, data }) as typeof decoded;
  } catch {
    return undefined;
  }
  const args = decoded.args ?? [];
  const known = CONTRACT_ERRORS[decoded.errorName];
  if (known === undefined) return new ChainError('TX_REVERTED', 'the call reverted', { details: `${decoded.errorName}(${args.map(String).join(', ')})`, cause });
  const named = Object.fromEntries(args.map((value, i) => [decoded.abiItem.inputs?.[i]?.name ?? String(i), value]));
  return new ChainError(known.code, SHORT[known.code] ?? 'the contract refused the call', {
    details: known.text(args), cause, args: named, ...(known.hint === undefined ? {} : { hint: known.hint }),
  });
}

/**
 * Turns anything a chain call threw into a ChainError: a revert becomes the contract's own code, everything else says whether the
 * endpoint, the account or the transaction is to blame. Endpoint addresses are left out: they may hold keys.
 */
export function toChainError(error: unknown): ChainError {
  if (error instanceof ChainError) return error;
  const chain = causesOf(error);
  const data = revertDataOf(chain);
  const decoded = data === undefined ? undefined : contractError(data, error);
  if (decoded !== undefined) return decoded;

  const text = chain.map((e) => `${e.details ?? ''} ${e.shortMessage ?? e.message}`).join(' ');
  const details = chain.map((e) => e.details).findLast((d) => d) ?? chain.at(-1)?.shortMessage ?? chain.at(-1)?.message ?? String(error);
  const names = new Set(chain.map((e) => e.name));
  if (names.has('ContractFunctionZeroDataError') || names.has('AbiDecodingZeroDataError')) {
    return new ChainError('NO_CONTRACT', 'there is no contract at this address', { cause: error, hint: 'check the address and the chain' });
  }
  if (/insufficient funds|insufficient balance for transfer|actor balance.*less than needed/i.test(text)) {
    return new ChainError('GAS_FUNDS_TOO_LOW', 'the account cannot pay for gas', { details, cause: error, hint: 'send the chain\'s native coin to the account' });
  }
  if (/nonce (is )?too (low|high)|nonce.*(lower|already)|already known|already imported|replacement transaction underpriced|minimum expected nonce/i.test(text)) {
    return new ChainError('NONCE_CONFLICT', 'the account\'s nonce was used by somebody else', { details, cause: error, hint: 'let only one program send from an account' });
  }
  if (/revert|vm error|execution failed/i.test(text) || data !== undefined) {
    return new ChainError('TX_REVERTED', 'the call reverted', { details, cause: error });
  }
  const status = chain.find((e) => typeof e.status === 'number')?.status;
  const answered = names.has('RpcRequestError');
  if (names.has('TimeoutError') || (!answered && names.has('HttpRequestError') && (status === undefined || status >= 500 || status === 429))) {
    return new ChainError('RPC_UNREACHABLE', 'the chain\'s RPC endpoint does not answer', {
      details: status === undefined ? details : `HTTP ${status}`, cause: error, hint: 'check the address of the endpoint and that it runs',
    });
  }
  return new ChainError('RPC_ERROR', 'the chain\'s RPC endpoint refused the request', { details, cause: error });
}

interface Link { name: string; message: string; shortMessage?: string; details?: string; status?: number; data?: unknown; raw?: unknown }

function causesOf(error: unknown): Link[] {
  const links: Link[] = [];
  for (let e = error; e instanceof Error && links.length < 20; e = e.cause) links.push(e);
  return links;
}

/** Revert data wherever a node puts it: `data`, `data.data`, or (Lotus) in the message. */
function revertDataOf(chain: readonly Link[]): Hex | undefined {
  for (const { data, raw, message } of chain) {
    for (const candidate of [raw, data, (data as { data?: unknown } | undefined)?.data]) {
      if (typeof candidate === 'string' && /^0x[0-9a-f]{8,}$/i.test(candidate)) return candidate as Hex;
    }
    const inText = /revert reason=\[(0x[0-9a-f]{8,})/i.exec(message)?.[1];
    if (inText !== undefined) return inText as Hex;
  }
  return undefined;
}

function mask(bits: unknown): string {
  return `0b${Number(bits).toString(2)}`;
}
