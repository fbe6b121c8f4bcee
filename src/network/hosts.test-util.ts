import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { GossipSub } from '@libp2p/gossipsub';
import { encodeSpec, specDigest } from '../protocol/spec/canonical.ts';
import { parseJobSpec } from '../protocol/spec/job-spec.ts';
import type { Announcement } from '../protocol/wire/messages.ts';
import { PLAIN_TERMS } from '../protocol/statements/statements.ts';
import { JOBS_TOPIC } from './constants.ts';
import { createHost, type Host, type HostInit } from './host/create-host.ts';

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0'];

/** A host on loopback that ends with the test. */
export async function startHost(t: TestContext, init: Partial<HostInit> = {}): Promise<Host> {
  const host = await createHost({ privateKey: randomBytes(32), listen: LOOPBACK, lan: true, ...init });
  t.after(() => host.stop());
  return host;
}

/** Where the host listens, as text. */
export function addressesOf(host: Host): string[] {
  return host.getMultiaddrs().map(String);
}

/** Resolves when the host is connected to so many peers. */
export function connectedTo(host: Host, count: number): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (host.getPeers().length < count) return;
      host.removeEventListener('peer:connect', check);
      resolve();
    };
    host.addEventListener('peer:connect', check);
    check();
  });
}

/** Resolves when the host has so many neighbours on the topic of jobs. */
export function meshedWith(host: Host, count: number): Promise<void> {
  const pubsub = host.services.pubsub as GossipSub & { getMeshPeers(topic: string): string[] };
  return new Promise((resolve) => {
    const check = () => {
      if (pubsub.getMeshPeers(JOBS_TOPIC).length < count) return;
      pubsub.removeEventListener('gossipsub:heartbeat', check);
      resolve();
    };
    pubsub.addEventListener('gossipsub:heartbeat', check);
    check();
  });
}

/** A valid announcement. */
export function sampleAnnouncement(name = 'sample'): Announcement {
  const spec = encodeSpec(parseJobSpec({ name, command: ['true'] }));
  return {
    request: {
      client: `0x${'11'.repeat(20)}`, nonce: 7n, specDigest: specDigest(spec), replicas: 3, policy: 0, maxPrice: 10n ** 18n, stake: 1n, minScore: 0,
      assignWindow: 1, commitWindow: 1, settleWindow: 1, disputeWindow: 1, sealKey: `0x${'22'.repeat(32)}`, secretHash: `0x${'33'.repeat(32)}`, ...PLAIN_TERMS,
    },
    spec, addrs: ['/ip4/127.0.0.1/tcp/1'],
  };
}
