import type { KuboRPCClient } from 'kubo-rpc-client';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import { KUBO_TIMEOUT_MS } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Source } from '../source.ts';

/**
 * IPFS through the RPC API of a Kubo node, which looks in its own store and in the network.
 *
 * @param url e.g. `http://127.0.0.1:5001`
 */
export function kuboSource(url: string): Source {
  // Loaded when first used: few nodes have a Kubo beside them.
  let client: Promise<KuboRPCClient> | undefined;
  const connect = () => client ??= import('kubo-rpc-client').then(({ create }) => create({ url }));
  return {
    name: 'ipfs',
    /** Whether the Kubo node itself holds it: asking the network would be the read. */
    async has(cid: CID, { signal }) {
      try {
        const kubo = await connect();
        await kubo.block.stat(cid, { signal: anySignal(signal, AbortSignal.timeout(KUBO_TIMEOUT_MS)), offline: true } as Parameters<typeof kubo.block.stat>[1]);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        if (isMissing(error)) return false;
        throw unreachable(url, error);
      }
    },
    async read(cid: CID, { signal }) {
      try {
        return await (await connect()).block.get(cid, { signal });
      } catch (error) {
        signal.throwIfAborted();
        if (isMissing(error)) throw new StorageError('NOT_FOUND', 'the Kubo node cannot find it', { cause: error });
        throw unreachable(url, error);
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return /not found|could not find/i.test(messageOf(error));
}

function unreachable(url: string, cause: unknown): StorageError {
  return new StorageError('PEER_UNREACHABLE', 'the Kubo node does not answer', {
    details: `${url}: ${messageOf(cause)}`, cause, hint: 'is its RPC API running at this address?',
  });
}
