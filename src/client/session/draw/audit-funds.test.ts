import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicClient, custom, encodeFunctionResult, numberToHex, toFunctionSelector, zeroAddress, type Hex } from 'viem';
import { schedulerAbi } from '../../../chain/abi.ts';
import type { Chain } from '../../../chain/index.ts';
import type { JobRequest } from '../../../protocol/index.ts';
import { requireAuditFunds } from './audit-funds.ts';

/** A chain on which the client has so much in its purse, in its account, and allowed to the scheduler. */
function holding(free: bigint, balance: bigint, allowance: bigint): Chain {
  const answer = (data: Hex): Hex => {
    if (data.startsWith(toFunctionSelector('balanceOf(address)'))) return numberToHex(balance, { size: 32 });
    if (data.startsWith(toFunctionSelector('allowance(address,address)'))) return numberToHex(allowance, { size: 32 });
    const party = { free, locked: 0n, good: 0, bad: 0, day: 0, since: 1 };
    return encodeFunctionResult({ abi: schedulerAbi, functionName: 'client', result: party });
  };
  return {
    scheduler: zeroAddress, coin: () => Promise.resolve(zeroAddress), signer: () => ({ address: zeroAddress }),
    client: createPublicClient({ transport: custom({ request: ({ params }: { params: [{ data: Hex }] }) => Promise.resolve(answer(params[0].data)) }) }),
  } as unknown as Chain;
}

const request = { client: zeroAddress, replicas: 1, maxPrice: 10n } as unknown as JobRequest;

test('who can pay the job alone is told before anything is locked', async () => {
  await assert.rejects(requireAuditFunds(holding(0n, 39n, 100n), request, 1000), { code: 'CLIENT_FUNDS' });
  await assert.rejects(requireAuditFunds(holding(0n, 100n, 20n), request, 1000), { code: 'CLIENT_FUNDS' });
});

test('purse and account together are enough; so is a job that nobody checks', async () => {
  await requireAuditFunds(holding(15n, 25n, 100n), request, 1000);
  await requireAuditFunds(holding(40n, 0n, 0n), request, 1000);
  await requireAuditFunds(holding(0n, 20n, 20n), request, 0);
});

test('who cannot pay the job itself hears that from the chain', async () => {
  await requireAuditFunds(holding(0n, 19n, 19n), request, 1000);
});
