import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeFunctionData, keccak256, pad, toHex, zeroHash, type Hex } from 'viem';
import { jobIdOf, PLAIN_TERMS, type JobRequest } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import { createChain, type Chain } from '../chain.ts';
import { startFakeRpc } from '../rpc/fake-rpc.test-util.ts';
import { readPledge } from './read-pledge.ts';

const scheduler = pad('0xa1', { size: 20 });
const court = { chainId: 1, scheduler };
const request: JobRequest = {
  client: pad('0x09', { size: 20 }), nonce: 1n, specDigest: zeroHash, replicas: 2, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 100, commitWindow: 100, settleWindow: 100, disputeWindow: 100, sealKey: zeroHash, secretHash: zeroHash, ...PLAIN_TERMS,
};
const other: JobRequest = { ...request, nonce: 2n };
const word = (n: number): Hex => pad(toHex(n));
const seats = [0, 1].map((n) => ({ node: pad(toHex(n + 1), { size: 20 }), price: 1n, commitment: word(10 + n) }));
const commit = (of: JobRequest, commitments: readonly { index: number; commitment: Hex; signature: Hex }[]) => encodeFunctionData({ abi, functionName: 'commit', args: [of, seats, commitments] });

let rpc: Awaited<ReturnType<typeof startFakeRpc>>;
let chain: Chain;
let sent: { to: Hex | null; input: Hex } | null;
before(async () => {
  rpc = await startFakeRpc(() => sent);
  chain = createChain({ rpcUrl: rpc.url, scheduler });
});
after(() => rpc.stop());

const pledge = (input: Hex, index: number, to: Hex | null = scheduler) => {
  sent = { to, input };
  return readPledge(chain, court, { transactionHash: keccak256('0x01'), jobId: jobIdOf(court, request), index });
};

test('a seat\'s word in each message that carries one, and in one of many messages', async () => {
  const own = { index: 1, commitment: word(7), signature: '0x77' } as const;
  const said = { isSet: false, commitments: [word(7)], signature: '0x77' };
  assert.deepEqual(await pledge(commit(request, [{ ...own, index: 0, signature: '0x66' }, own]), 1), said);
  const strangers = commit(other, [{ ...own, commitment: word(8) }]);
  assert.deepEqual(await pledge(encodeFunctionData({ abi, functionName: 'multicall', args: [[strangers, commit(request, [own])]] }), 1), said, 'of this job, not of another one');
  const set = { isSet: true, commitments: [word(10), word(11)], signature: '0x02' };
  assert.deepEqual(await pledge(encodeFunctionData({ abi, functionName: 'commitSet', args: [request, seats, [], ['0x01', '0x02']] }), 1), set);
  assert.deepEqual(await pledge(encodeFunctionData({ abi, functionName: 'settleDirect', args: [request, seats, ['0x01', '0x02'], 3, 0, zeroHash, '0x'] }), 1), set);
});

test('no word where there is no signature, no such seat, another job, another contract, or nothing to read', async () => {
  const own = { index: 1, commitment: word(7), signature: '0x' } as const;
  assert.equal(await pledge(commit(request, [own]), 1), undefined, 'the node called itself');
  assert.equal(await pledge(commit(request, [{ ...own, signature: '0x77' }]), 0), undefined);
  assert.equal(await pledge(commit(other, [{ ...own, signature: '0x77' }]), 1), undefined);
  assert.equal(await pledge(commit(request, [{ ...own, signature: '0x77' }]), 1, pad('0xa2', { size: 20 })), undefined);
  assert.equal(await pledge('0x12345678', 1), undefined);
  assert.equal(await pledge(commit(request, [{ ...own, signature: '0x77' }]), 1, null), undefined);
  sent = null;
  assert.equal(await readPledge(chain, court, { transactionHash: keccak256('0x01'), jobId: jobIdOf(court, request), index: 1 }), undefined);
});
