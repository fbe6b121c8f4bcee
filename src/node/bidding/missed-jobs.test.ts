import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcementProtocol, serve } from '../../network/index.ts';
import { addressesOf, connectedTo, sampleAnnouncement, startHost } from '../../network/hosts.test-util.ts';
import { jobIdOf, type Announcement } from '../../protocol/index.ts';
import { MissedJobs } from './missed-jobs.ts';

const court = { chainId: 1, scheduler: `0x${'aa'.repeat(20)}` } as const;

test('a missed job is asked for again until a peer knows it; who answers with another job is not believed', async (t) => {
  const announcement = sampleAnnouncement();
  const jobId = jobIdOf(court, announcement.request);
  const [liar, late] = [await startHost(t), await startHost(t)];
  await serve(liar, announcementProtocol, () => ({ found: true, announcement: { ...announcement, request: { ...announcement.request, nonce: 8n } } }));
  let asked = 0;
  await serve(late, announcementProtocol, () => (++asked < 3 ? { found: false } : { found: true, announcement }));
  const node = await startHost(t, { bootstrap: [...addressesOf(liar), ...addressesOf(late)] });
  await connectedTo(node, 2);
  const found: Announcement[] = [];
  const missed = new MissedJobs({ host: node, court }, { isMissed: () => found.length === 0, onFound: async (one) => { found.push(one); }, graceMs: 1 }, new AbortController().signal);
  await missed.follow(jobId);
  assert.deepEqual(found, [announcement]);
  assert.equal(asked, 3);
});

test('nobody is asked for a job that was announced meanwhile, and the end of the node is the end of asking', async (t) => {
  const [peer, node] = [await startHost(t), await startHost(t)];
  await node.dial(peer.getMultiaddrs());
  let asked = 0;
  await serve(peer, announcementProtocol, () => { asked++; return { found: false }; });
  const stopping = new AbortController();
  const follow = (isMissed: () => boolean) => new MissedJobs({ host: node, court }, { isMissed, onFound: async () => {}, graceMs: 1 }, stopping.signal).follow('0x01');
  await follow(() => false);
  stopping.abort();
  await follow(() => true);
  assert.equal(asked, 0);
});
