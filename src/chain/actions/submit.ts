import { parseSignature, type Hex } from 'viem';
import type { JobRequest } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';
import type { Permit } from './permit.ts';

/** `signature` is the client's over the request (`signRequest`); not needed when the account is the client. */
export interface SubmitArgs {
  request: JobRequest;
  signature?: Hex;
  /** The client's permit (`signPermit`): what the purse lacks then needs no allowance given before. */
  permit?: Permit & { signature: Hex };
}

/**
 * None -> Open. Locks replicas + 1 times the highest price. The job's id is in the `Submitted` event, and is `jobIdOf(court, request)`.
 *
 * @throws ChainError BAD_REQUEST, WRONG_STATE (submitted already), BAD_SIGNATURE, ALLOWANCE_TOO_LOW, COIN_BALANCE_TOO_LOW …
 */
export function submit(chain: Chain, { request, signature = '0x', permit }: SubmitArgs, options?: CallOptions): Promise<WriteResult> {
  if (permit === undefined) return write(chain, chain.scheduler, { abi, functionName: 'submit', args: [request, signature] }, options);
  const { r, s, yParity } = parseSignature(permit.signature);
  const { value, deadline } = permit;
  return write(chain, chain.scheduler, { abi, functionName: 'submitWithPermit', args: [request, signature, { value, deadline, v: 27 + yParity, r, s }] }, options);
}
