import { request, statusProtocol, type Host } from '../../network/index.ts';
import type { JobSpec } from '../../protocol/index.ts';
import { ENGINES_FRESH_MS, ENGINES_WAIT_MS, MAX_NODES_ASKED } from '../constants.ts';

/** A node's engines, and those of them in which it gives jobs a network. */
export interface EngineOffer { engines: readonly string[]; network: readonly string[] }

/** Engines that `auto` stands for, the strongest first. */
const STRENGTH = ['microvm', 'container'] as const;

/**
 * The one engine that all replicas of a job run in, so that their traces compare: the one it names; for `auto` the strongest that enough
 * known nodes offer, and containers, which every node has, where too little is known. A job that demands a virtual machine waits for one.
 *
 * @param offers what each known node has: of a job that asks for a network, those engines count in which the node gives one
 */
export function pinEngine({ engine, isolation, verification, network }: Pick<JobSpec, 'engine' | 'isolation' | 'verification' | 'network'>, offers: readonly EngineOffer[]): Exclude<JobSpec['engine'], 'auto'> {
  if (engine !== 'auto') return engine;
  if (isolation === 'vm') return 'microvm';
  return STRENGTH.find((name) => offers.filter((offer) => (network === 'none' ? offer.engines : offer.network).includes(name)).length >= verification.replicas) ?? 'container';
}

/** Whether nodes are known, and none of them can run a job in the engine that it names. */
export function lacksEngine({ engine, network }: Pick<JobSpec, 'engine' | 'network'>, offers: readonly EngineOffer[]): boolean {
  return offers.length > 0 && !offers.some((offer) => (network === 'none' ? offer.engines : offer.network).includes(engine));
}

/** What the nodes that this host is connected to say of their engines. Never throws. */
export async function offeredEngines(host: Host, signal: AbortSignal): Promise<EngineOffer[]> {
  const answers = await Promise.allSettled(host.getPeers().slice(0, MAX_NODES_ASKED).map((peer) => request(host, peer, statusProtocol, { cids: [] }, { signal, timeoutMs: ENGINES_WAIT_MS })));
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [{ engines: answer.value.engines, network: answer.value.network ?? [] }] : []));
}

/** Which engines the network's nodes have, asked at most every few seconds: jobs often come in rows. */
export class EngineSurvey {
  readonly #ask: (signal: AbortSignal) => Promise<EngineOffer[]>;
  readonly #freshMs: number;
  #last: { offers: Promise<EngineOffer[]>; at: number } | undefined;

  constructor(ask: (signal: AbortSignal) => Promise<EngineOffer[]>, freshMs = ENGINES_FRESH_MS) {
    this.#ask = ask;
    this.#freshMs = freshMs;
  }

  /** The engines of each known node. Never throws. */
  offers(signal: AbortSignal): Promise<EngineOffer[]> {
    if (this.#last !== undefined && performance.now() - this.#last.at < this.#freshMs) return this.#last.offers;
    const asked = { offers: this.#ask(signal), at: performance.now() };
    this.#last = asked;
    // Nobody may be connected yet: that is not worth remembering.
    void asked.offers.then((offers) => { if (offers.length === 0 && this.#last === asked) this.#last = undefined; });
    return asked.offers;
  }
}
