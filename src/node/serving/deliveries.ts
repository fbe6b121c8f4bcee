import { setTimeout as sleep } from 'node:timers/promises';
import { bidProtocol, commitmentProtocol, ownAddresses, request, type Protocol } from '../../network/index.ts';
import { messageOf } from '../../protocol/index.ts';
import type { NodeComponents, NodeInit } from '../components.ts';
import { DELIVERY_ATTEMPTS, DELIVERY_RETRY_MS, MAX_DELIVERIES } from '../constants.ts';
import { createLimit } from '../limit.ts';
import type { ReplicaRecord } from '../replica-record.ts';

/** Hands clients what they have to know; when one cannot be reached the chain is the way, later. */
export class Deliveries {
  readonly #components: Pick<NodeComponents, 'host' | 'log'>;
  readonly #address: NodeInit['address'];
  readonly #signal: AbortSignal;
  readonly #limit = createLimit(MAX_DELIVERIES);

  constructor(components: Pick<NodeComponents, 'host' | 'log'>, address: NodeInit['address'], signal: AbortSignal) {
    this.#components = components;
    this.#address = address;
    this.#signal = signal;
  }

  /** Tells the client the bid. @returns whether the client took it */
  bid(record: ReplicaRecord): Promise<boolean> {
    return this.#deliver(record, bidProtocol, { bid: record.bid, addrs: ownAddresses(this.#components.host) }, 'bid');
  }

  /** Tells the client the commitment, if there is one. */
  async commitment(record: ReplicaRecord): Promise<void> {
    if (record.outcome === undefined) return;
    const { commitment, signature } = record.outcome;
    await this.#deliver(record, commitmentProtocol, { jobId: record.jobId, node: this.#address, commitment, signature }, 'commitment');
  }

  async #deliver<Req>(record: ReplicaRecord, protocol: Protocol<Req, { ok: boolean; reason?: string | undefined }>, message: Req, what: string): Promise<boolean> {
    const { host, log } = this.#components;
    for (let attempt = 1; !this.#signal.aborted; attempt++) {
      try {
        const { ok, reason } = await this.#limit(() => request(host, record.clientAddrs, protocol, message, { signal: this.#signal }));
        if (!ok) log('info', `${what} declined`, { jobId: record.jobId, reason });
        return ok;
      } catch (error) {
        if (attempt >= DELIVERY_ATTEMPTS) {
          log('warn', `${what} not delivered`, { jobId: record.jobId, reason: messageOf(error) });
          return false;
        }
        await sleep(DELIVERY_RETRY_MS, undefined, { signal: this.#signal }).catch(() => {});
      }
    }
    return false;
  }
}
