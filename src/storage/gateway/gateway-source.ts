import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { forEachParallel } from '../parallel.ts';
import type { DagSink, Source } from '../source.ts';
import { MAX_REPEATED_BYTES } from '../stream/constants.ts';
import { verifyBlock } from '../blocks/verify.ts';
import { askForBlock, askForCar, askWhether, type AskInit, type CarBlock, type Gateway } from './ask-gateway.ts';
import { MAX_CAR_ROOTS, MAX_GATEWAYS_TRIED, PROBE_CONCURRENCY, PROBE_TIMEOUT_MS } from './constants.ts';
import { createStandings, type Standings } from './host-standing.ts';

export interface GatewaySourceInit extends Omit<AskInit, 'signal'> {
  name?: string;
  standings?: Standings;
  /** Told of the bytes before they are asked for; throws when they are not to be had. */
  beforeAsking?: (gateway: Gateway, signal: AbortSignal) => Promise<void>;
  /** Told of the bytes that came. */
  afterwards?: (gateway: Gateway, bytes: number) => Promise<void>;
}

const LIES = ['BLOCK_INVALID', 'BLOCK_TOO_LARGE', 'BLOCK_UNWANTED', 'CAR_INVALID'] as const;

/**
 * HTTP hosts that speak the trustless gateway protocol, by measured success. A DAG comes as a CAR, verified while it streams; that a
 * gateway answered 200 says nothing: what then lacks is asked of the next.
 *
 * @param find hosts that may have a DAG, best guess first; asked once for each fetch and each block
 */
export function gatewaySource(find: (cid: CID, options: { signal: AbortSignal }) => Promise<readonly Gateway[]>, init: GatewaySourceInit = {}): Source {
  const { name = 'gateways', standings = createStandings(), beforeAsking = async () => {}, afterwards = async () => {} } = init;
  const ask = (signal: AbortSignal): AskInit => ({
    signal, ...(init.headTimeoutMs !== undefined && { headTimeoutMs: init.headTimeoutMs }), ...(init.stallMs !== undefined && { stallMs: init.stallMs }),
  });

  async function* candidates(cid: CID, signal: AbortSignal): AsyncGenerator<Gateway> {
    const found = standings.order((await find(cid, { signal })).map((gateway) => ({ gateway, host: gateway.url.host })));
    const ordered = found.map(({ gateway }) => gateway);
    yield* ordered.filter((gateway) => gateway.found !== true);
    const strangers = ordered.filter((gateway) => gateway.found === true);
    if (strangers.length <= MAX_GATEWAYS_TRIED) yield* strangers;
    else yield* holders(strangers, cid, signal);
  }

  /** Of a long list those that say they have it, as they say so: most of it may be dead. */
  async function* holders(gateways: readonly Gateway[], cid: CID, signal: AbortSignal): AsyncGenerator<Gateway> {
    const over = new AbortController();
    const until = anySignal(signal, over.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS));
    const found: Gateway[] = [];
    let wake = () => {};
    const probing = forEachParallel(gateways, PROBE_CONCURRENCY, async (gateway) => {
      if (until.aborted) return;
      try {
        if (await askWhether(gateway, cid, { signal: until })) found.push(gateway);
      } catch {
        if (!until.aborted) standings.failed(gateway.url.host);
      }
      wake();
    });
    let ended = false;
    const end = probing.then(() => { ended = true; wake(); });
    try {
      for (let tried = 0; tried < MAX_GATEWAYS_TRIED;) {
        const next = found.shift();
        if (next !== undefined) {
          tried++;
          yield next;
        } else if (ended) {
          return;
        } else {
          await new Promise<void>((resolve) => { wake = resolve; });
        }
      }
    } finally {
      over.abort(new Error('no more hosts are wanted'));
      await end;
      signal.throwIfAborted();
    }
  }

  /** Notes why a host did not serve. @returns the reason, in words */
  function blame({ url: { host } }: Gateway, error: unknown): string {
    if (isError(error, ...LIES)) standings.lied(host);
    else if (!isError(error, 'NOT_FOUND', 'OVER_BUDGET')) standings.failed(host);
    return `${host}: ${messageOf(error)}`;
  }

  /** Takes from one host what it has of what is missing. @returns whether anything came */
  async function drain(gateway: Gateway, roots: readonly CID[], sink: DagSink, signal: AbortSignal): Promise<boolean> {
    const started = performance.now();
    let bytes = 0;
    let stray = 0;
    /** Where no order is promised, a block that nobody asked for yet is no lie (trustless gateway specification, CAR `dups`): what is missing then is asked for again. */
    const takeFrom = async (block: CarBlock): Promise<boolean> => {
      try {
        return await sink.take(block.cid, block.bytes);
      } catch (error) {
        stray += block.bytes.length + block.cid.bytes.length;
        if (block.ordered || !isError(error, 'BLOCK_UNWANTED') || stray > bytes + MAX_REPEATED_BYTES) throw error;
        return false;
      }
    };
    try {
      for (const root of roots) {
        await beforeAsking(gateway, signal);
        try {
          for await (const block of askForCar(gateway, root.toString(), {}, ask(signal))) {
            await afterwards(gateway, block.bytes.length);
            if (await takeFrom(block)) bytes += block.bytes.length;
            await beforeAsking(gateway, signal);
          }
        } catch (error) {
          // One subtree missing does not mean that the others are.
          if (roots.length === 1 || !isError(error, 'NOT_FOUND')) throw error;
        }
      }
      return bytes > 0;
    } finally {
      if (bytes > 0) standings.served(gateway.url.host, bytes, performance.now() - started);
    }
  }

  return {
    name,
    async has(cid, { signal }) {
      const reasons: string[] = [];
      const gateways: Gateway[] = [];
      for await (const gateway of candidates(cid, signal)) gateways.push(gateway);
      const answers = await Promise.all(gateways.map((gateway) => askWhether(gateway, cid, ask(signal)).catch((error: unknown) => {
        signal.throwIfAborted();
        reasons.push(`${gateway.url.host}: ${messageOf(error)}`);
        return false;
      })));
      if (answers.includes(true)) return true;
      if (reasons.length > 0) throw new StorageError('HTTP_FAILED', 'not every host could be asked', { details: reasons.slice(0, 3).join('; ') });
      return false;
    },
    async read(cid, { signal }) {
      const reasons: string[] = [];
      for await (const gateway of candidates(cid, signal)) {
        const started = performance.now();
        try {
          await beforeAsking(gateway, signal);
          const bytes = await askForBlock(gateway, cid, ask(signal));
          await afterwards(gateway, bytes.length);
          verifyBlock(cid, bytes);
          standings.served(gateway.url.host, bytes.length, performance.now() - started);
          return bytes;
        } catch (error) {
          signal.throwIfAborted();
          reasons.push(blame(gateway, error));
        }
      }
      throw new StorageError('NOT_FOUND', 'no host has it', reasons.length === 0 ? {} : { details: reasons.slice(0, 3).join('; ') });
    },
    async stream(sink, { signal }) {
      const reasons: string[] = [];
      for await (const gateway of candidates(sink.root, signal)) {
        const roots = await sink.missing();
        if (roots.length === 0) return;
        // As many requests as subtrees: where only scattered blocks lack, block by block is the same and can be done side by side.
        if (roots.length > MAX_CAR_ROOTS) return;
        try {
          await drain(gateway, roots, sink, signal);
        } catch (error) {
          signal.throwIfAborted();
          reasons.push(blame(gateway, error));
        }
      }
      if (reasons.length > 0 && (await sink.missing()).length > 0) throw new StorageError('HTTP_FAILED', 'hosts failed', { details: reasons.slice(0, 3).join('; ') });
    },
  };
}
