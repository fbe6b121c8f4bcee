import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zeroHash, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { signCommitmentSet, verifySetSignature, type Chain } from '../../chain/index.ts';
import { jobIdOf, PLAIN_TERMS, rosterHashOf, setDigestOf, withCommitments, type JobEvent, type JobRequest } from '../../protocol/index.ts';
import { acceptSet, overruled, signSet } from './commitment-set.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';

const court = { chainId: 1, scheduler: `0x${'11'.repeat(20)}` } as const;
const word = (n: number): Hex => `0x${String(n).padStart(64, '0')}`;
const accounts = [0, 1, 2].map(() => privateKeyToAccount(generatePrivateKey()));
const me = accounts[1]!;
const roster = accounts.map(({ address }) => ({ node: address, price: 1n }));
const request: JobRequest = {
  client: accounts[0]!.address, nonce: 1n, specDigest: zeroHash, replicas: 3, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0,
  assignWindow: 10, commitWindow: 20, settleWindow: 30, disputeWindow: 40, sealKey: zeroHash, secretHash: zeroHash, ...PLAIN_TERMS,
};
const jobId = jobIdOf(court, request);
const set = [word(1), word(2), word(3)];

/** A node that committed to word(2) in seat 1 of an assigned job, and how often it wrote its record. */
function setUp(): { components: Pick<NodeComponents, 'chain' | 'court' | 'journal'>; record: ReplicaRecord; saved: () => number } {
  let saves = 0;
  const place = { jobId, at: 1, blockHash: zeroHash };
  const events: JobEvent[] = [{ ...place, logIndex: 0, type: 'Submitted', request, seedBlock: 1n }, { ...place, logIndex: 1, type: 'Assigned', roster }];
  const record = { jobId, request, events, outcome: { commitment: word(2) } } as unknown as ReplicaRecord;
  const chain = { signer: () => me, client: { request: () => { throw new Error('a wallet was asked'); } } } as unknown as Chain;
  const journal = { put: () => { saves++; return Promise.resolve(); } } as unknown as NodeComponents['journal'];
  return { components: { chain, court, journal }, record, saved: () => saves };
}

const signaturesOver = (commitments: Hex[]) => Promise.all(accounts.map((account) => (
  signCommitmentSet(account, court, { jobId, setDigest: setDigestOf(withCommitments(roster, commitments)) }))));

test('signs the set that has its commitment in its place, once, and writes that down first', async () => {
  const { components, record, saved } = setUp();
  const answer = await signSet(components, record, set);
  assert.ok(answer.status === 'signed');
  assert.equal(saved(), 1);
  await verifySetSignature(court, me.address, { jobId, setDigest: setDigestOf(withCommitments(roster, set)) }, answer.signature);
  assert.deepEqual(await signSet(components, record, set), answer, 'the same set again gets the same signature');
  assert.equal((await signSet(components, record, [word(9), word(2), word(3)])).status, 'refused');
});

test('two sets at once: one is signed', async () => {
  const { components, record } = setUp();
  const answers = await Promise.all([signSet(components, record, set), signSet(components, record, [word(9), word(2), word(3)])]);
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), ['refused', 'signed']);
});

test('refuses a set without its own commitment, of another length, before it has run, or once the chain is closed', async () => {
  for (const commitments of [[word(2), word(1), word(3)], [word(1), word(2)], [word(1), word(2), word(3), word(4)]]) {
    const { components, record } = setUp();
    assert.equal((await signSet(components, record, commitments)).status, 'refused');
  }
  const early = setUp();
  delete early.record.outcome;
  assert.equal((await signSet(early.components, early.record, set)).status, 'refused');
  const late = setUp();
  late.record.events.push({ jobId, at: 2, blockHash: zeroHash, logIndex: 2, type: 'Expired' });
  assert.equal((await signSet(late.components, late.record, set)).status, 'refused');
});

test('takes note of everybody\'s signatures only for the set it signed, on the roster of the chain, if all are good', async () => {
  const { components, record } = setUp();
  const signatures = await signaturesOver(set);
  const hash = rosterHashOf(roster);
  assert.match(await acceptSet(components, record, { commitments: set, signatures }, hash) ?? '', /not signed that set/);
  await signSet(components, record, set);
  assert.match(await acceptSet(components, record, { commitments: set, signatures }, zeroHash) ?? '', /another one/);
  assert.match(await acceptSet(components, record, { commitments: set, signatures: signatures.toReversed() }, hash) ?? '', /signature/);
  assert.match(await acceptSet(components, record, { commitments: set, signatures: signatures.slice(1) }, hash) ?? '', /not of this roster/);
  assert.equal(record.set?.signatures, undefined);
  assert.equal(await acceptSet(components, record, { commitments: set, signatures }, hash), undefined);
  assert.deepEqual(record.set?.signatures, signatures);
  assert.ok(overruled(withCommitments(roster, [word(1), word(2), word(9)]), record.set));
  assert.ok(!overruled(withCommitments(roster, set), record.set));
});
