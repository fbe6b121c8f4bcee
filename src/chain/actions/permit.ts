import { parseSignature, type Address, type Hex } from 'viem';
import { read } from './read.ts';
import { coinAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** An EIP-2612 permit: `owner` lets the scheduler take `value` until `deadline` (unix seconds), without a transaction of its own. */
export interface Permit { owner: Address; value: bigint; deadline: bigint }

const types = {
  Permit: [
    { name: 'owner', type: 'address' }, { name: 'spender', type: 'address' }, { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' }, { name: 'deadline', type: 'uint256' },
  ],
} as const;

/** Signs a permit with the chain's account, whatever `owner` calls it later. Good for one use. @throws ChainError */
export async function signPermit(chain: Chain, { value, deadline }: Omit<Permit, 'owner'>, options?: CallOptions): Promise<Permit & { signature: Hex }> {
  const account = chain.signer();
  const coin = await chain.coin(options);
  const [{ chainId }, name, nonce] = await Promise.all([
    chain.court(options),
    read(chain, coin, { abi, functionName: 'name', args: [] }, options),
    read(chain, coin, { abi, functionName: 'nonces', args: [account.address] }, options),
  ]);
  const signature = await account.signTypedData({
    domain: { name, version: '1', chainId, verifyingContract: coin }, types, primaryType: 'Permit',
    message: { owner: account.address, spender: chain.scheduler, value, nonce, deadline },
  });
  return { owner: account.address, value, deadline, signature };
}

/** Carries somebody's permit to the coin. @throws ChainError PERMIT_INVALID … */
export async function permit(chain: Chain, { owner, value, deadline, signature }: Permit & { signature: Hex }, options?: CallOptions): Promise<WriteResult> {
  const { r, s, yParity } = parseSignature(signature);
  return write(chain, await chain.coin(options), { abi, functionName: 'permit', args: [owner, chain.scheduler, value, deadline, 27 + yParity, r, s] }, options);
}
