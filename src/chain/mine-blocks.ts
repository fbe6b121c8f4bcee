import { ChainError } from './errors.ts';

/**
 * Mines an empty block behind every block with transactions: the hash of the block after a submit is the seed of the draw, and
 * nobody should wait for the clock to bring it. Asking for it costs 3 ms and nothing while the chain is idle; a short block time
 * would cost CPU and memory for good.
 *
 * @throws ChainError ANVIL_FAILED when the first connection fails; a later loss is repaired quietly, the clock mines meanwhile
 */
export async function mineBehind(wsUrl: string): Promise<{ stop(): void }> {
  let stopped = false;
  let socket: WebSocket;
  const MINE = 2;

  const connect = async (): Promise<void> => {
    let mining = false;
    let again = false;
    socket = new WebSocket(wsUrl);
    const mine = (): void => {
      if (mining) { again = true; return; }
      mining = true;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: MINE, method: 'evm_mine', params: [] }));
    };
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as { id?: number; method?: string; params?: { result?: { gasUsed?: string } } };
      if (message.method === 'eth_subscription') {
        if (Number(message.params?.result?.gasUsed ?? 0) > 0) mine();
      } else if (message.id === MINE) {
        mining = false;
        if (again) { again = false; mine(); }
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
  return { stop: () => { stopped = true; socket.close(); } };
}

/** Pause before a lost connection is made anew, milliseconds. */
const RECONNECT_MS = 200;
