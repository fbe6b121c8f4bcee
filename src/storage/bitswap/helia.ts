import { withBitswap, type BitswapOptions } from '@helia/bitswap';
import type { BlockBroker } from '@helia/interface';
import type { Libp2p, Startable } from '@libp2p/interface';
import { identity } from 'multiformats/hashes/identity';
import { sha256, sha512 } from 'multiformats/hashes/sha2';
import { BITSWAP_MAX_INCOMING_BYTES, BITSWAP_MESSAGE_BYTES, BITSWAP_MESSAGE_TIMEOUT_MS, RESEND_WINDOW_MS } from '../constants.ts';
import type { LocalBlocks } from '../local/local-blocks.ts';

/** Bitswap on a host that exists already: serves our blocks, and asks for those of others. */
export interface Bitswap {
  broker: Required<Pick<BlockBroker, 'createSession'>>;
  stop(): Promise<void>;
}

const options: BitswapOptions = {
  // The defaults cut off a peer that needs more than ten seconds for a message, or for all blocks it has asked for together.
  messageSendTimeout: BITSWAP_MESSAGE_TIMEOUT_MS,
  messageReceiveTimeout: BITSWAP_MESSAGE_TIMEOUT_MS,
  maxOutgoingMessageSize: BITSWAP_MESSAGE_BYTES,
  maxIncomingMessageSize: BITSWAP_MAX_INCOMING_BYTES,
  doNotResendBlockWindow: RESEND_WINDOW_MS,
};

/**
 * Starts Helia's bitswap over the local blocks. It gets what it needs of a Helia node and no more: the rest of one, which nothing here
 * uses, takes 35 MB and half a second to load. It has no router: a DHT query for every block costs more than the block; who has a DAG is
 * looked up by the bitswap source, once.
 */
export async function startBitswap({ libp2p, blocks }: { libp2p: Libp2p; blocks: LocalBlocks }): Promise<Bitswap> {
  const brokers: (BlockBroker & Startable)[] = [];
  const mixins: { start(helia: unknown): Promise<void> }[] = [];
  const helia = {
    status: 'starting', libp2p, blockstore: blocks, logger: libp2p.logger,
    routing: { async* findProviders() {} },
    // The hash of a block that came is what names it; identity so that a forger is recognised, not overlooked.
    getHasher: (code: number) => [identity, sha256, sha512].find((hasher) => hasher.code === code),
    hasBlockBroker: () => false,
    addBlockBroker: (broker: BlockBroker & Startable) => { brokers.push(broker); },
    addMixin: (mixin: typeof mixins[number]) => { mixins.push(mixin); },
  };
  withBitswap(helia as unknown as Parameters<typeof withBitswap>[0], options);
  for (const mixin of mixins) await mixin.start(helia);
  const broker = brokers[0];
  const createSession = broker?.createSession?.bind(broker);
  if (broker === undefined || createSession === undefined) throw new TypeError('Helia started without bitswap');
  return { broker: { createSession }, stop: async () => { await broker.stop(); } };
}
