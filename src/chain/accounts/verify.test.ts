import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexToBigInt, numberToHex, slice, concat, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { NO_CLAIM, PLAIN_TERMS } from '../../protocol/index.ts';
import { signAssignment, signBid, signCancel, signCommitment, signContest, signLogAccess, signRequest, signVerdict } from './sign.ts';
import {
  recoverStatement, verifyAssignment, verifyBid, verifyCancel, verifyCommitment, verifyContest, verifyLogAccess, verifyRequest, verifyVerdict,
} from './verify.ts';

const court = { chainId: 31_337, scheduler: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512' } as const;
const client = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const node = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const jobId: Hex = `0x${'ab'.repeat(32)}`;
const word: Hex = `0x${'cd'.repeat(32)}`;
const bid = { jobId, node: node.address, price: 5n, locality: 100, ...NO_CLAIM };
const terms = { jobId, maxPrice: 10n };
const request = {
  client: client.address, nonce: 1n, specDigest: word, replicas: 3, policy: 0, maxPrice: 10n, stake: 10n, minScore: 0,
  assignWindow: 1, commitWindow: 1, settleWindow: 1, disputeWindow: 1, sealKey: word, secretHash: word, ...PLAIN_TERMS,
};
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

test('every statement is verified against its own signer and no other', async () => {
  const access = { jobId, peer: '12D3Koo', expires: 2_000_000_000n };
  const verdict = { jobId, setDigest: word, agreed: 5, shard: 0, reportDigest: word };
  const commitment = { jobId, node: node.address, commitment: word };
  const checks: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['request', async () => verifyRequest(court, request, await signRequest(client, court, request)), async () => verifyRequest(court, request, await signRequest(node, court, request))],
    ['assignment', async () => verifyAssignment(court, client.address, jobId, [bid], await signAssignment(client, court, jobId, [bid])),
      async () => verifyAssignment(court, client.address, jobId, [bid, bid], await signAssignment(client, court, jobId, [bid]))],
    ['bid', async () => verifyBid(court, { ...bid, signature: await signBid(node, court, bid) }, terms), async () => verifyBid(court, { ...bid, price: 6n, signature: await signBid(node, court, bid) }, terms)],
    ['commitment', async () => assert.equal(await verifyCommitment(court, { ...commitment, signature: await signCommitment(node, court, commitment) }, [{ node: client.address }, { node: node.address }]), 1),
      async () => verifyCommitment(court, { ...commitment, signature: await signCommitment(client, court, commitment) }, [{ node: node.address }])],
    ['verdict', async () => verifyVerdict(court, client.address, verdict, await signVerdict(client, court, verdict)), async () => verifyVerdict(court, client.address, { ...verdict, agreed: 7 }, await signVerdict(client, court, verdict))],
    ['contest', async () => verifyContest(court, { jobId, node: node.address }, await signContest(node, court, jobId)), async () => verifyContest(court, { jobId, node: client.address }, await signContest(node, court, jobId))],
    ['cancel', async () => verifyCancel(court, client.address, jobId, await signCancel(client, court, jobId)), async () => verifyCancel({ ...court, chainId: 1 }, client.address, jobId, await signCancel(client, court, jobId))],
    ['log access', async () => verifyLogAccess(court, client.address, access, await signLogAccess(client, court, access)), async () => verifyLogAccess(court, client.address, { ...access, peer: 'other' }, await signLogAccess(client, court, access))],
  ];
  for (const [name, good, bad] of checks) {
    await good();
    await assert.rejects(bad, { code: 'BAD_SIGNATURE' }, name);
  }
  await assert.rejects(async () => verifyLogAccess(court, client.address, access, await signLogAccess(client, court, access), 2_000_000_001), { code: 'TOO_LATE' });
  await assert.rejects(async () => verifyCommitment(court, { ...commitment, signature: await signCommitment(node, court, commitment) }, []), { code: 'BAD_ROSTER' });
});

test('a signature the contract would refuse is refused here', async () => {
  const signature = await signBid(node, court, bid);
  const r = slice(signature, 0, 32);
  const s = hexToBigInt(slice(signature, 32, 64));
  const v = hexToBigInt(slice(signature, 64, 65));
  const malleated = concat([r, numberToHex(ORDER - s, { size: 32 }), numberToHex(v === 27n ? 28n : 27n, { size: 1 })]);
  const parity = concat([slice(signature, 0, 64), numberToHex(v - 27n, { size: 1 })]);
  for (const bad of [malleated, parity, slice(signature, 0, 64), '0x', concat([signature, '0x00']), `0x${'ff'.repeat(65)}`, `0x${'00'.repeat(65)}`] as Hex[]) {
    await assert.rejects(verifyBid(court, { ...bid, signature: bad }, terms), { code: 'BAD_SIGNATURE' }, bad);
  }
});

test('a stranger\'s bid with impossible terms is refused', async () => {
  const signed = async (changes: Partial<typeof bid>) => {
    const changed = { ...bid, ...changes };
    return { ...changed, signature: await signBid(node, court, changed) };
  };
  await assert.rejects(async () => verifyBid(court, await signed({ jobId: word }), terms), { code: 'MESSAGE_INVALID' });
  await assert.rejects(async () => verifyBid(court, await signed({ price: 11n }), terms), { code: 'MESSAGE_INVALID' });
  await assert.rejects(async () => verifyBid(court, { ...await signed({}), price: -1n }, terms), { code: 'MESSAGE_INVALID' });
  await assert.rejects(async () => verifyBid(court, await signed({ locality: 10_001 }), terms), { code: 'MESSAGE_INVALID' });
  await assert.rejects(async () => recoverStatement(court, 'Bid', { ...bid, price: 1n << 90n }, await signBid(node, court, bid)), { code: 'MESSAGE_INVALID' });
  await assert.rejects(async () => recoverStatement(court, 'Bid', { ...bid, node: '0x12' }, await signBid(node, court, bid)), { code: 'MESSAGE_INVALID' });
});
