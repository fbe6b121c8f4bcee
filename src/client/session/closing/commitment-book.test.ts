import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pad, zeroHash, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { signCommitment } from '../../../chain/index.ts';
import type { JobState, SignedBid } from '../../../protocol/index.ts';
import type { ClientComponents } from '../../components.ts';
import type { JobRecord } from '../../book/job-record.ts';
import { CommitmentBook } from './commitment-book.ts';
import type { SessionContext } from '../context.ts';

const court = { chainId: 31337, scheduler: pad('0xa1', { size: 20 }) } as const;
const account = privateKeyToAccount(pad('0x01'));
const node = account.address;
const jobId = pad('0x0b');

/** A book of a job with one seat, whose bid only the chain brought. */
function book({ addrs = [] as string[] } = {}) {
  const record = { jobId, bids: [{ bid: { node } as SignedBid, addrs }], commitments: {} } as unknown as JobRecord;
  const stages: string[] = [];
  const book = new CommitmentBook({
    components: { court } as ClientComponents, record, job: () => ({ state: 'Assigned', roster: [{ node, price: 1n, commitment: zeroHash }] }) as unknown as JobState,
    progress: ({ stage }) => stages.push(stage), mark: () => {}, save: async () => {}, saveSoon: () => {}, poke: () => {},
  } as Partial<SessionContext> as SessionContext);
  return { book, record, stages };
}

async function said(commitment: Hex) {
  return { jobId, node, commitment, signature: await signCommitment(account, court, { jobId, node, commitment }) };
}

test('the same word that comes twice at once is no contradiction, another one is', async () => {
  const { book: commitments, record, stages } = book();
  const word = await said(pad('0x07'));
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => commitments.receive(word, 'peer'))), [undefined, undefined, undefined]);
  assert.equal(record.contradictions, undefined);
  assert.deepEqual(stages, ['commitment']);
  const answers = await Promise.all([await said(pad('0x08')), word].map((one) => commitments.receive(one, 'peer')));
  assert.match(answers[0]!, /another commitment/);
  assert.equal(answers[1], undefined);
  assert.equal(record.commitments[node.toLowerCase()]!.commitment, word.commitment);
  assert.deepEqual(stages, ['commitment', 'contradiction']);
});

test('where a node listens that only the chain told of is learned from a word it signed, the first time or again, and from no one else', async () => {
  const word = await said(pad('0x07'));
  const { book: commitments, record } = book();
  assert.match((await commitments.receive({ ...word, commitment: pad('0x09') }, 'liar'))!, /sign/);
  assert.deepEqual(record.bids[0]!.addrs, []);
  await commitments.receive(word, 'peer');
  assert.deepEqual(record.bids[0]!.addrs, ['/p2p/peer']);
  record.bids[0]!.addrs = [];
  await commitments.receive(word, 'again');
  assert.deepEqual(record.bids[0]!.addrs, ['/p2p/again']);
  const known = book({ addrs: ['/ip4/127.0.0.1/tcp/1'] });
  await known.book.receive(word, 'peer');
  assert.deepEqual(known.record.bids[0]!.addrs, ['/ip4/127.0.0.1/tcp/1']);
});
