import { setTimeout as sleep } from 'node:timers/promises';
import type { Libp2p, PeerId } from '@libp2p/interface';
import { TopicValidatorResult, type GossipSub, type Message } from '@libp2p/gossipsub';
import { decodeSpec, specDigest } from '../protocol/spec/canonical.ts';
import { announcement, decodeMessage, encodeMessage, type Announcement } from '../protocol/wire/messages.ts';
import { JOBS_TOPIC, PUBLISH_POLL_MS, PUBLISH_WAIT_MS } from './constants.ts';

/** Receives announcements that passed every check that needs no chain; `from` signed the gossip message. */
export type AnnouncementHandler = (announced: Announcement, from: PeerId) => unknown;

/** Job announcements over gossip. */
export interface JobGossip {
  /**
   * Tells everybody of a job; with no subscriber yet, waits up to two seconds for the first.
   *
   * @returns how many peers it was sent to; they pass it on
   * @throws ProtocolError MESSAGE_TOO_LARGE
   */
  publish(announced: Announcement, options?: { signal?: AbortSignal; waitMs?: number }): Promise<{ recipients: number }>;
  /** Calls the handler for every announcement until the signal aborts or the returned function is called. */
  subscribe(handler: AnnouncementHandler, options?: { signal?: AbortSignal }): () => void;
}

/** Speaks and listens on the topic of jobs. A message that is malformed, or whose spec is not the one it names, costs its sender score. */
export function announceJobs(host: Libp2p<{ pubsub: GossipSub }>): JobGossip {
  const { pubsub } = host.services;
  const handlers = new Set<AnnouncementHandler>();
  pubsub.topicValidators.set(JOBS_TOPIC, (_peer, message) => (
    decodeAnnouncement(message.data) === undefined ? TopicValidatorResult.Reject : TopicValidatorResult.Accept));

  const onMessage = (event: CustomEvent<Message>) => {
    const message = event.detail;
    if (message.topic !== JOBS_TOPIC || message.type !== 'signed') return;
    const announced = decodeAnnouncement(message.data);
    if (announced === undefined) return;
    for (const handler of handlers) void handler(announced, message.from);
  };

  return {
    async publish(announced, { signal, waitMs = PUBLISH_WAIT_MS } = {}) {
      const data = encodeMessage(announcement, announced);
      signal?.throwIfAborted();
      const deadline = performance.now() + waitMs;
      while (!hasReachableSubscriber(host) && performance.now() < deadline) await sleep(PUBLISH_POLL_MS, undefined, { signal });
      const { recipients } = await pubsub.publish(JOBS_TOPIC, data);
      return { recipients: recipients.length };
    },
    subscribe(handler, { signal } = {}) {
      if (signal?.aborted === true) return () => {};
      if (handlers.size === 0) {
        pubsub.addEventListener('message', onMessage);
        pubsub.subscribe(JOBS_TOPIC);
      }
      const own: AnnouncementHandler = (announced, from) => handler(announced, from);
      handlers.add(own);
      const unsubscribe = () => {
        signal?.removeEventListener('abort', unsubscribe);
        if (!handlers.delete(own) || handlers.size > 0) return;
        pubsub.removeEventListener('message', onMessage);
        if (host.status === 'started') pubsub.unsubscribe(JOBS_TOPIC);
      };
      signal?.addEventListener('abort', unsubscribe, { once: true });
      return unsubscribe;
    },
  };
}

/** Of messages that passed the validator, which are handed to the listener next: decoded once. */
const decoded = new WeakMap<Uint8Array, Announcement>();

/** The announcement in gossip bytes, if it is one: well formed, and its spec canonical and of the digest that the client signed. */
export function decodeAnnouncement(data: Uint8Array): Announcement | undefined {
  const known = decoded.get(data);
  if (known !== undefined) return known;
  try {
    const announced = decodeMessage(announcement, data);
    decodeSpec(announced.spec);
    if (specDigest(announced.spec) !== announced.request.specDigest) return undefined;
    decoded.set(data, announced);
    return announced;
  } catch {
    return undefined;
  }
}

/** True when some subscriber can be sent to: gossipsub hears of subscriptions before its own stream to the subscriber is open, and has no event for that. */
function hasReachableSubscriber(host: Libp2p<{ pubsub: GossipSub }>): boolean {
  const { pubsub } = host.services;
  return pubsub.getSubscribers(JOBS_TOPIC).some((peer) => host.getConnections(peer).some((connection) => connection.streams.some(
    (stream) => stream.direction === 'outbound' && stream.protocol.startsWith('/meshsub/'),
  )));
}
