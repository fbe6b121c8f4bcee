import { ChainError } from '../errors.ts';

/**
 * Mines for an anvil that itself mines only transactions: an empty block behind every block with transactions, for the hash of the
 * block after a submit is the seed of the draw and nobody should wait for the clock to bring it; and one every `blockTimeMs`, which
 * moves the chain's time. Anvil's own clock would do the latter, but below 3 s it keeps 1,500 states in memory whatever it is told,
 * 3 GB of them once EIP-2935's slots are full.
 *
 * @throws ChainError ANVIL_FAILED when the first connection fails; a later loss is repaired quietly
 */
export async function mineBlocks(wsUrl: string, blockTimeMs: number): Promise<{ stop(): void }> {
  let stopped = false;
  let socket: WebSocket;
  let mining = false;
  let again = false;
  const MINE = 2;

  const mine = (): void => {
    mining = true;
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: MINE, method: 'evm_mine', params: [] }));
  };

  const connect = async (): Promise<void> => {
    mining = again = false;
    socket = new WebSocket(wsUrl);
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as { id?: number; method?: string; params?: { result?: { gasUsed?: string } } };
      if (message.method === 'eth_subscription') {
        if (Number(message.params?.result?.gasUsed ?? 0) === 0) return;
        if (mining) again = true;
        else mine();
      } else if (message.id === MINE) {
        mining = false;
        if (again) mine();
        again = false;
      }
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
      resolve();
    });
    socket.addEventListener('error', () => reject(new ChainError('ANVIL_FAILED', 'anvil takes no WebSocket connection', { details: wsUrl })));
    socket.addEventListener('close', () => {
      if (stopped) return;
      setTimeout(() => { if (!stopped) connect().catch(() => undefined); }, RECONNECT_MS).unref();
    });
    await promise;
  };

  await connect();
  const clock = setInterval(() => { if (socket.readyState === WebSocket.OPEN && !mining) mine(); }, blockTimeMs).unref();
  return {
    stop: () => {
      stopped = true;
      clearInterval(clock);
      socket.close();
    },
  };
}

/** Pause before a lost connection is made anew, milliseconds. */
const RECONNECT_MS = 200;
