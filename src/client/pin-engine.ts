import { request, statusProtocol, type Host } from '../network/index.ts';
import type { JobSpec } from '../protocol/index.ts';
import { ENGINES_FRESH_MS, ENGINES_WAIT_MS, MAX_NODES_ASKED } from './constants.ts';

/** Engines that `auto` stands for, the strongest first. */
const STRENGTH = ['microvm', 'container'] as const;

/**
 * The one engine that all replicas of a job run in, so that their traces compare: the one it names; for `auto` the strongest that enough
 * known nodes offer, and containers, which every node has, where too little is known. A job that demands a virtual machine waits for one.
 *
 * @param offers the engines of each known node
 */
export function pinEngine({ engine, isolation, verification }: Pick<JobSpec, 'engine' | 'isolation' | 'verification'>, offers: readonly (readonly string[])[]): Exclude<JobSpec['engine'], 'auto'> {
  if (engine !== 'auto') return engine;
  if (isolation === 'vm') return 'microvm';
  return STRENGTH.find((name) => offers.filter((offer) => offer.includes(name)).length >= verification.replicas) ?? 'container';
}

/** What the nodes that this host is connected to say of their engines. Never throws. */
export async function offeredEngines(host: Host, signal: AbortSignal): Promise<string[][]> {
  const answers = await Promise.allSettled(host.getPeers().slice(0, MAX_NODES_ASKED).map((peer) => request(host, peer, statusProtocol, { cids: [] }, { signal, timeoutMs: ENGINES_WAIT_MS })));
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.engines] : []));
}

/** Which engines the network's nodes have, asked at most every few seconds: jobs often come in rows. */
export class EngineSurvey {
  readonly #ask: (signal: AbortSignal) => Promise<string[][]>;
  readonly #freshMs: number;
  #last: { offers: Promise<string[][]>; at: number } | undefined;

  constructor(ask: (signal: AbortSignal) => Promise<string[][]>, freshMs = ENGINES_FRESH_MS) {
    this.#ask = ask;
    this.#freshMs = freshMs;
  }

  /** The engines of each known node. Never throws. */
  offers(signal: AbortSignal): Promise<string[][]> {
    if (this.#last !== undefined && performance.now() - this.#last.at < this.#freshMs) return this.#last.offers;
    const asked = { offers: this.#ask(signal), at: performance.now() };
    this.#last = asked;
    // Nobody may be connected yet: that is not worth remembering.
    void asked.offers.then((offers) => { if (offers.length === 0 && this.#last === asked) this.#last = undefined; });
    return asked.offers;
  }
}
