import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { mockTime } from '../../protocol/base/mock-time.test-util.ts';
import { keepConnected } from './bootstrap.ts';
import { BOOTSTRAP_RETRY_LAN_MS, BOOTSTRAP_RETRY_MIN_MS } from '../constants.ts';

const somebody = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', randomBytes(32)));

/** A host of one bootstrap peer, which is there or not. */
class FakeHost extends EventTarget {
  readonly peerId: PeerId;
  readonly other: PeerId;
  up = false;
  connected = false;
  dials = 0;

  constructor(peerId: PeerId, other: PeerId) {
    super();
    this.peerId = peerId;
    this.other = other;
  }

  async dial(): Promise<{ remotePeer: PeerId }> {
    this.dials++;
    if (!this.up) throw new Error('refused');
    this.connected = true;
    return { remotePeer: this.other };
  }

  getConnections(): object[] {
    return this.connected ? [{}] : [];
  }

  lose(): void {
    this.connected = false;
    this.dispatchEvent(new Event('peer:disconnect'));
  }
}

test('a peer that is not there yet is dialled at once and then ever less often, up to a limit; one that was lost is dialled at once', async (t) => {
  const pass = mockTime(t);
  const host = new FakeHost(await somebody(), await somebody());
  const stopped = new AbortController();
  t.after(() => stopped.abort());
  keepConnected(host as unknown as Libp2p, ['/ip4/127.0.0.1/tcp/1'], { retryMaxMs: BOOTSTRAP_RETRY_LAN_MS, signal: stopped.signal });
  await turn();
  assert.equal(host.dials, 1);
  const pauses: number[] = [];
  for (let ms = 1, last = 0; host.dials < 12; ms++) {
    const before = host.dials;
    pass(1);
    await turn();
    if (host.dials > before) {
      pauses.push(ms - last);
      last = ms;
    }
  }
  assert.ok(Math.abs(pauses[0]! - BOOTSTRAP_RETRY_MIN_MS) <= 1, String(pauses));
  assert.ok(pauses.every((pause, i) => pause >= (pauses[i - 1] ?? 0)), String(pauses));
  assert.ok(Math.abs(pauses.at(-1)! - BOOTSTRAP_RETRY_LAN_MS) <= 1, String(pauses));
  host.up = true;
  pass(BOOTSTRAP_RETRY_LAN_MS);
  await turn();
  assert.equal(host.connected, true);
  const before = host.dials;
  host.lose();
  await turn();
  assert.deepEqual([host.connected, host.dials - before], [true, 1]);
});
