import { yamux } from '@libp2p/yamux';
import { gossipsub, type GossipSub } from '@libp2p/gossipsub';
import { identify, type Identify } from '@libp2p/identify';
import type { Libp2p } from '@libp2p/interface';
import { kadDHT, passthroughMapper, removePrivateAddressesMapper, type KadDHT } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { ping, type Ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import type { Datastore } from 'interface-datastore';
import { createLibp2p } from 'libp2p';
import { announcement } from '../../protocol/wire/messages.ts';
import { parseAddress } from './addresses.ts';
import { keepConnected } from './bootstrap.ts';
import {
  BOOTSTRAP_RETRY_LAN_MS, BOOTSTRAP_RETRY_PUBLIC_MS, GOSSIP_D, GOSSIP_D_HIGH, GOSSIP_D_LOW, INVALID_MESSAGE_DECAY, INVALID_MESSAGE_WEIGHT,
  JOBS_TOPIC, LAN_CONNECTIONS_PER_SECOND, LAN_DHT_PROTOCOL, LAN_HEARTBEAT_MS, LAN_HISTORY_HEARTBEATS, PING_MIN_TIMEOUT_MS, PUBLIC_DHT_PROTOCOL,
} from '../constants.ts';
import { parseKey } from './identity.ts';
import { noiseTogether } from './send-together.ts';

/** What a host offers besides streams. A type, not an interface: libp2p's service maps are index signatures. */
export type Services = { identify: Identify; ping: Ping; pubsub: GossipSub; dht: KadDHT };
/** A node's place in the network. */
export type Host = Libp2p<Services>;

export interface HostInit {
  /** A 32-byte ed25519 seed, or a libp2p private key protobuf (see `loadOrCreateKey`). */
  privateKey: Uint8Array;
  /** Multiaddrs, e.g. `/ip4/127.0.0.1/tcp/0`. */
  listen: readonly string[];
  /** Peers to stay connected to; they need not be up yet. */
  bootstrap?: readonly string[];
  /** Find peers on the local network by multicast DNS. */
  mdns?: boolean;
  /** A private network: its own DHT, in which loopback and LAN addresses count. */
  lan?: boolean;
  /** User agent told to peers. */
  agent?: string;
  /** Where peers and DHT records survive a restart; memory when absent. */
  datastore?: Datastore;
}

/**
 * Creates and starts a libp2p host. It contacts nobody but its bootstrap peers and whoever they lead to.
 *
 * @throws NetworkError KEY_INVALID, ADDRESS_INVALID; libp2p's own errors when it cannot listen
 * @example
 * const host = await createHost({ privateKey: await loadOrCreateKey('/var/lib/gadus/identity'), listen: ['/ip4/0.0.0.0/tcp/4501'] })
 */
export async function createHost(init: HostInit): Promise<Host> {
  const lan = init.lan ?? false;
  for (const address of [...init.listen, ...init.bootstrap ?? []]) parseAddress(address);
  const host = await createLibp2p<Services>({
    privateKey: await parseKey(init.privateKey),
    addresses: { listen: [...init.listen] },
    nodeInfo: { userAgent: init.agent ?? 'gadus' },
    ...(init.datastore === undefined ? {} : { datastore: init.datastore }),
    transports: [tcp()],
    connectionEncrypters: [noiseTogether()],
    streamMuxers: [yamux()],
    connectionManager: lan ? { inboundConnectionThreshold: LAN_CONNECTIONS_PER_SECOND, maxIncomingPendingConnections: LAN_CONNECTIONS_PER_SECOND } : {},
    connectionMonitor: { pingTimeout: { minTimeout: PING_MIN_TIMEOUT_MS } },
    peerDiscovery: init.mdns === true ? [mdns()] : [],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: lan ? LAN_DHT_PROTOCOL : PUBLIC_DHT_PROTOCOL,
        peerInfoMapper: lan ? passthroughMapper : removePrivateAddressesMapper,
        allowQueryWithZeroPeers: true,
        ...(lan ? { clientMode: false } : {}),
      }),
      pubsub: gossipsub(gossipOptions(lan)),
    },
  });
  const stopped = new AbortController();
  host.addEventListener('stop', () => stopped.abort(), { once: true });
  if (init.mdns === true) dialDiscovered(host, stopped.signal);
  keepConnected(host, init.bootstrap ?? [], { retryMaxMs: lan ? BOOTSTRAP_RETRY_LAN_MS : BOOTSTRAP_RETRY_PUBLIC_MS, signal: stopped.signal });
  return host;
}

function gossipOptions(lan: boolean): Parameters<typeof gossipsub>[0] {
  return {
    emitSelf: false,
    floodPublish: true,
    allowPublishToZeroTopicPeers: true,
    allowedTopics: [JOBS_TOPIC],
    maxInboundDataLength: announcement.maxBytes,
    ...(lan ? { heartbeatInterval: LAN_HEARTBEAT_MS, mcacheLength: LAN_HISTORY_HEARTBEATS, mcacheGossip: LAN_HISTORY_HEARTBEATS - 2 } : {}),
    D: GOSSIP_D, Dlo: GOSSIP_D_LOW, Dhi: GOSSIP_D_HIGH,
    scoreParams: {
      // Nodes of one devnet share 127.0.0.1; elsewhere many peers behind one address are suspicious.
      ...(lan ? { IPColocationFactorWeight: 0 } : {}),
      topics: {
        [JOBS_TOPIC]: {
          topicWeight: 0.5,
          timeInMeshWeight: 0.01, timeInMeshQuantum: 1000, timeInMeshCap: 3600,
          firstMessageDeliveriesWeight: 1, firstMessageDeliveriesDecay: 0.9, firstMessageDeliveriesCap: 50,
          // Jobs may be hours apart: a quiet mesh is no fault of its peers.
          meshMessageDeliveriesWeight: 0, meshMessageDeliveriesDecay: 0.5, meshMessageDeliveriesCap: 1, meshMessageDeliveriesThreshold: 1,
          meshMessageDeliveriesWindow: 10, meshMessageDeliveriesActivation: 5000, meshFailurePenaltyWeight: 0, meshFailurePenaltyDecay: 0.5,
          invalidMessageDeliveriesWeight: INVALID_MESSAGE_WEIGHT, invalidMessageDeliveriesDecay: INVALID_MESSAGE_DECAY,
        },
      },
    },
  };
}

/** libp2p stores what mDNS finds, and leaves the dialling to us. */
function dialDiscovered(host: Host, signal: AbortSignal): void {
  host.addEventListener('peer:discovery', (event) => {
    if (signal.aborted || host.getConnections(event.detail.id).length > 0) return;
    host.dial(event.detail.id, { signal }).catch(() => {});
  });
}
