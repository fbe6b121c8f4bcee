import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcement, encodeMessage, type Announcement } from '../protocol/wire/messages.ts';
import { JOBS_TOPIC } from './constants.ts';
import { announceJobs, decodeAnnouncement } from './gossip.ts';
import { addressesOf, connectedTo, meshedWith, sampleAnnouncement, startHost } from './hosts.test-util.ts';

/** Collects, and lets a test wait for the n-th. */
function inbox() {
  const items: Announcement[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    items,
    push(item: Announcement) {
      items.push(item);
      for (const { count, resolve } of waiting) if (items.length >= count) resolve();
    },
    has(count: number) {
      return new Promise<void>((resolve) => { if (items.length >= count) resolve(); else waiting.push({ count, resolve }); });
    },
  };
}

test('an announcement reaches every subscriber of a star of four, once, and not its sender', async (t) => {
  const hub = await startHost(t);
  const others = await Promise.all([1, 2, 3].map(() => startHost(t, { bootstrap: addressesOf(hub) })));
  const hosts = [hub, ...others];
  const boxes = hosts.map(() => inbox());
  const gossips = hosts.map(announceJobs);
  gossips.forEach((gossip, i) => gossip.subscribe((announced) => boxes[i]!.push(announced)));
  await connectedTo(hub, 3);
  await meshedWith(hub, 3);
  const sent = sampleAnnouncement();
  const { recipients } = await gossips[1]!.publish(sent);
  assert.equal(recipients, 1);
  await Promise.all([0, 2, 3].map((i) => boxes[i]!.has(1)));
  assert.deepEqual(boxes[3]!.items, [sent]);
  await gossips[0]!.publish(sampleAnnouncement('second'));
  await Promise.all([1, 2, 2].map((count, i) => boxes[i + 1]!.has(count)));
  assert.deepEqual(boxes.map((box) => box.items.length), [1, 1, 2, 2]);
});

test('publish waits for the first subscriber, and a subscription ends with its signal', async (t) => {
  const publisher = await startHost(t);
  const gossip = announceJobs(publisher);
  const sending = gossip.publish(sampleAnnouncement());
  const node = await startHost(t, { bootstrap: addressesOf(publisher) });
  const box = inbox();
  const controller = new AbortController();
  announceJobs(node).subscribe((announced) => box.push(announced), { signal: controller.signal });
  assert.deepEqual(await sending, { recipients: 1 });
  await box.has(1);
  controller.abort();
  assert.deepEqual(node.services.pubsub.getTopics(), []);
  const alone = announceJobs(await startHost(t, { listen: [] }));
  assert.deepEqual(await alone.publish(sampleAnnouncement(), { waitMs: 1 }), { recipients: 0 });
  await assert.rejects(alone.publish(sampleAnnouncement(), { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});

test('a liar reaches no handler, is not passed on and loses score', async (t) => {
  const node = await startHost(t);
  const box = inbox();
  const gossip = announceJobs(node);
  gossip.subscribe((announced) => box.push(announced));
  const liar = await startHost(t, { bootstrap: addressesOf(node) });
  const honest = await startHost(t, { bootstrap: addressesOf(node) });
  const good = announceJobs(honest);
  for (const peer of [liar, honest]) peer.services.pubsub.subscribe(JOBS_TOPIC);
  await connectedTo(node, 2);
  await meshedWith(node, 2);
  const wrongSpec = { ...sampleAnnouncement(), spec: sampleAnnouncement('another').spec };
  await announceJobs(liar).publish(wrongSpec);
  for (const data of [new Uint8Array(100), encodeMessage(announcement, wrongSpec)]) await liar.services.pubsub.publish(JOBS_TOPIC, data);
  await good.publish(sampleAnnouncement('honest'));
  await box.has(1);
  assert.equal(box.items.length, 1);
  // Scores are cached until the next heartbeat.
  for (let i = 0; i < 2; i++) await new Promise((resolve) => { node.services.pubsub.addEventListener('gossipsub:heartbeat', resolve, { once: true }); });
  const scores = node.services.pubsub as unknown as { getScore(peer: string): number };
  assert.ok(scores.getScore(liar.peerId.toString()) < -10, `liar: ${scores.getScore(liar.peerId.toString())}`);
  assert.ok(scores.getScore(honest.peerId.toString()) >= 0);
});

test('an announcement is refused when oversized, malformed, or not of the spec it names', () => {
  const good = sampleAnnouncement();
  assert.deepEqual(decodeAnnouncement(encodeMessage(announcement, good)), good);
  assert.equal(decodeAnnouncement(new Uint8Array(announcement.maxBytes + 1)), undefined);
  assert.equal(decodeAnnouncement(encodeMessage(announcement, { ...good, spec: new TextEncoder().encode('{ "command": ["true"] }') })), undefined);
  assert.equal(decodeAnnouncement(new Uint8Array()), undefined);
});
