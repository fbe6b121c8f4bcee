import { withBitswap, type BitswapOptions } from '@helia/bitswap';
import type { BlockBroker, Helia } from '@helia/interface';
import type { HeliaWithLibp2p } from '@helia/libp2p';
import type { Libp2p } from '@libp2p/interface';
import type { LevelDatastore } from 'datastore-level';
import { createHeliaLight } from 'helia';
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
 * Starts Helia's bitswap over the local blocks. It has no router: a DHT query for every block, which Helia would make, costs more than
 * the block; who has a DAG is looked up by the bitswap source, once.
 */
export async function startBitswap(components: { libp2p: Libp2p; blocks: LocalBlocks; datastore: LevelDatastore }): Promise<Bitswap> {
  const helia = withLibp2pInstance(createHeliaLight({ blockstore: components.blocks, datastore: components.datastore }), components.libp2p);
  let broker: BlockBroker | undefined;
  const add = helia.addBlockBroker.bind(helia);
  helia.addBlockBroker = (added) => {
    if (typeof added !== 'function') broker = added;
    add(added);
  };
  await withBitswap(helia, options).start();
  const createSession = broker?.createSession?.bind(broker);
  if (createSession === undefined) throw new TypeError('Helia started without bitswap');
  return { broker: { createSession }, stop: async () => { await helia.stop(); } };
}

/** Helia's own `withLibp2p` makes a new host; this one lends it ours, whose life is not Helia's business. */
function withLibp2pInstance(helia: Helia, libp2p: Libp2p): HeliaWithLibp2p<Record<string, unknown>> {
  return Object.defineProperty(helia, 'libp2p', { value: libp2p, enumerable: true }) as HeliaWithLibp2p<Record<string, unknown>>;
}
