import {
  ack, announcementRequest, announcementResponse, bidMessage, commitmentMessage, evidenceRequest, evidenceResponse, logChunk, logRequest, setRequest, setResponse,
  statusRequest, statusResponse,
  shardsRequest, shardsResponse, windowsRequest, windowsResponse,
  type MessageOf,
} from '../protocol/wire/messages.ts';
import type { Protocol } from './streams/call.ts';

type Ack = MessageOf<typeof ack>;

/** Node to client: a signed bid. */
export const bidProtocol: Protocol<MessageOf<typeof bidMessage>, Ack> = { id: '/gadus/bid/1', request: bidMessage, response: ack };
/** Node to client: a signed commitment. */
export const commitmentProtocol: Protocol<MessageOf<typeof commitmentMessage>, Ack> = {
  id: '/gadus/commitment/1', request: commitmentMessage, response: ack,
};
/** Client to node: sign that these are all commitments. */
export const setProtocol: Protocol<MessageOf<typeof setRequest>, MessageOf<typeof setResponse>> = {
  id: '/gadus/set/1', request: setRequest, response: setResponse,
};
/** Client to node: the sealed evidence of a replica. */
export const evidenceProtocol: Protocol<MessageOf<typeof evidenceRequest>, MessageOf<typeof evidenceResponse>> = {
  id: '/gadus/evidence/1', request: evidenceRequest, response: evidenceResponse,
};
/** Client to node: the sealed evidence of a replica's shards, once its manifest is out. */
export const shardsProtocol: Protocol<MessageOf<typeof shardsRequest>, MessageOf<typeof shardsResponse>> = {
  id: '/gadus/shards/1', request: shardsRequest, response: shardsResponse,
};
/** Client to node: windows of a replica's trace, drawn after commitments closed. */
export const windowsProtocol: Protocol<MessageOf<typeof windowsRequest>, MessageOf<typeof windowsResponse>> = {
  id: '/gadus/windows/1', request: windowsRequest, response: windowsResponse,
};
/** Client to node, streamed: a replica's live log. */
export const logsProtocol: Protocol<MessageOf<typeof logRequest>, MessageOf<typeof logChunk>> = {
  id: '/gadus/logs/1', request: logRequest, response: logChunk,
};
/** Node to any peer: the announcement of a job, for whoever missed the gossip. */
export const announcementProtocol: Protocol<MessageOf<typeof announcementRequest>, MessageOf<typeof announcementResponse>> = {
  id: '/gadus/announcement/1', request: announcementRequest, response: announcementResponse,
};
/** Anybody to node: what it is, and how much of some data it holds. */
export const statusProtocol: Protocol<MessageOf<typeof statusRequest>, MessageOf<typeof statusResponse>> = {
  id: '/gadus/status/1', request: statusRequest, response: statusResponse,
};
