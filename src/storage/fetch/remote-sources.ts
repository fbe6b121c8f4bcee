import type { Libp2p } from '@libp2p/interface';
import { CID } from 'multiformats/cid';
import { MAX_BLOCK_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { PieceHttp } from '../filecoin/piece-http.ts';
import { pieceSource } from '../filecoin/piece-source.ts';
import { createBudget, freeRetrieval, type RetrievalPayment } from '../filecoin/retrieval-payment.ts';
import type { Gateway } from '../gateway/ask-gateway.ts';
import { gatewaySource, type GatewaySourceInit } from '../gateway/gateway-source.ts';
import { createPeerFinder } from '../routing/find-peers.ts';
import { createGatewayFinder } from '../routing/find-gateways.ts';
import { bitswapSource } from '../bitswap/bitswap-source.ts';
import type { Bitswap } from '../bitswap/bitswap.ts';
import { kuboSource } from '../kubo/kubo-source.ts';
import { peerSource } from '../peer-car/peer-source.ts';
import { isPieceCid } from '../piece/commp.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import type { Source } from '../source.ts';

/** Where data may come from that is not on this machine, in the order of preference. */
export const REMOTE_SOURCES = ['peers', 'ipfs', 'gateways', 'filecoin'] as const;
export type RemoteSource = typeof REMOTE_SOURCES[number];

export interface RemoteInit {
  /** Which are asked, in this order. */
  order?: readonly RemoteSource[];
  /** RPC API of a Kubo node, asked instead of bitswap. */
  kuboUrl?: string;
  /** Trustless gateways, in order of preference; they may be on this machine or network. */
  gateways?: readonly string[];
  /** Routers (`/routing/v1`) that name more of them, and libp2p peers. */
  routers?: readonly string[];
  /** A private network: hosts that routers name may be on this machine or network. */
  privateHosts?: boolean;
  filecoin?: {
    /** Indexers that speak `/routing/v1`, e.g. `https://cid.contact`. */
    indexers?: readonly string[];
    /** Providers known to this node's operator; they may be on this machine or network. */
    providers?: readonly string[];
    /** CIDs of pieces whose CARs may be read from those providers in ranges, by `/piece/CID`. */
    pieces?: readonly string[];
    payment?: RetrievalPayment;
    /** Most that may be spent, in the smallest unit of the payment's coin; nothing by default. */
    budget?: bigint;
  };
}

/** The sources beyond this machine, as configured: those for which nothing is configured are left out. */
export function remoteSources({ libp2p, bitswap, catalogue }: { libp2p?: Libp2p; bitswap?: Bitswap; catalogue?: Catalogue }, { order = REMOTE_SOURCES, kuboUrl, gateways = [], routers = [], privateHosts = false, filecoin = {} }: RemoteInit): { sources: Source[]; pieces?: PieceHttp } {
  const { indexers = [], providers = [], pieces = [], payment = freeRetrieval, budget: cap = 0n } = filecoin;
  const budget = createBudget(payment, { cap });
  const http = providers.length === 0 ? undefined : new PieceHttp({ providers: providers.map((url) => ({ url: new URL(url), trusted: true })), budget });
  const found = libp2p === undefined || routers.length === 0 ? {} : { findPeers: createPeerFinder({ libp2p }, routers.map((url) => new URL(url)), { privateHosts }) };
  const make: Record<RemoteSource, () => Source | (Source | undefined)[] | undefined> = {
    peers: () => (libp2p === undefined ? undefined : peerSource({ libp2p }, found)),
    ipfs: () => {
      if (kuboUrl !== undefined) return kuboSource(kuboUrl);
      return libp2p === undefined || bitswap === undefined ? undefined : bitswapSource({ libp2p, bitswap }, found);
    },
    gateways: () => httpSource(gateways, routers, privateHosts, { name: 'gateways' }),
    filecoin: () => {
      const inPieces = http === undefined || catalogue === undefined || pieces.length === 0 ? undefined : pieceSource({ catalogue, http }, pieces.map(parsePieceCid));
      return [inPieces, httpSource(providers, indexers, privateHosts, {
        name: 'filecoin',
        beforeAsking: ({ url }) => budget.reserve(url.host, MAX_BLOCK_BYTES),
        afterwards: ({ url }, bytes) => budget.spend(url.host, bytes),
      })];
    },
  };
  const sources = [...new Set(order)].flatMap((name) => make[name]()).filter((source) => source !== undefined);
  return { sources, ...(http && { pieces: http }) };
}

/** @throws StorageError FORMAT_UNSUPPORTED */
function parsePieceCid(text: string): CID {
  const cid = CID.parse(text);
  if (isPieceCid(cid)) return cid;
  throw new StorageError('FORMAT_UNSUPPORTED', 'this is not the CID of a piece', { details: text, hint: 'it begins with baga6ea4seaq' });
}

/** Hosts that are configured, then hosts that routers name. */
function httpSource(configured: readonly string[], routers: readonly string[], privateHosts: boolean, init: GatewaySourceInit): Source | undefined {
  if (configured.length === 0 && routers.length === 0) return undefined;
  const known: Gateway[] = configured.map((url) => ({ url: new URL(url), trusted: true }));
  const findMore = createGatewayFinder(routers.map((url) => new URL(url)), { privateHosts });
  return gatewaySource(async (cid, options) => {
    const found = await findMore(cid, options).catch((error: unknown) => {
      // Without a router the configured hosts are still there.
      if (known.length === 0 || options.signal.aborted) throw error;
      return [];
    });
    return [...known, ...found.filter(({ url }) => !known.some((one) => one.url.host === url.host))];
  }, init);
}
