import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { bytesToHex, zeroHash, type Hex } from 'viem';
import { commitmentOf, jobIdOf, PLAIN_TERMS, type Court, type JobRequest, type Opening, type SealedSeat, type Seat } from '../protocol/index.ts';
import { approve } from './actions/approve.ts';
import { fund } from './actions/fund.ts';
import { register } from './actions/register.ts';
import { transferCoin } from './actions/transfer-coin.ts';
import { startAnvil, type Anvil, type AnvilInit } from './anvil/anvil.ts';
import { freePlace } from './anvil/free-place.ts';
import { createChain, type Chain } from './chain.ts';
import { deployContracts, type Deployment } from './deployment/deploy.ts';

export const COIN = 10n ** 18n;
export const POLL_MS = 10;

export interface Fixture { anvil: Anvil; deployment: Deployment; client: Chain; nodes: Chain[]; stranger: Chain; connect(rpcUrl: string, account: number): Chain; rpc(method: string, ...params: unknown[]): Promise<unknown> }

/** An anvil with the contracts, a client (account 1) with a purse, three nodes (2 to 4) with stakes, and a stranger (5). */
export async function startFixture(init: AnvilInit = {}): Promise<Fixture> {
  const anvil = await startAnvil(init);
  try {
    const deployment = await deployContracts(anvil.rpcUrl, anvil.accounts[0]!.privateKey, { seedDelay: 1, minWindowSeconds: 1, maxWindowSeconds: 86_400, pollingIntervalMs: POLL_MS });
    const connect = (rpcUrl: string, account: number): Chain =>
      createChain({ rpcUrl, scheduler: deployment.scheduler, privateKey: anvil.accounts[account]!.privateKey, pollingIntervalMs: POLL_MS });
    const [bank, client, ...others] = [0, 1, 2, 3, 4, 5].map((account) => connect(anvil.rpcUrl, account));
    const nodes = others.slice(0, 3);
    await Promise.all([client!, ...others].map((party) => transferCoin(bank!, { to: party.signer().address, amount: 1000n * COIN })));
    await Promise.all([client!, ...nodes].map((party) => approve(party)));
    await fund(client!, { amount: 500n * COIN });
    await Promise.all(nodes.map((node) => register(node, { amount: 100n * COIN, profile: '0x1234' })));
    const rpc = (method: string, ...params: unknown[]): Promise<unknown> => client!.client.request({ method, params } as never);
    return { anvil, deployment, client: client!, nodes, stranger: others[3]!, connect, rpc };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

export function random32(): Hex {
  return bytesToHex(randomBytes(32));
}

export function requestOf(client: Chain, overrides: Partial<JobRequest> = {}): JobRequest {
  return {
    client: client.signer().address, nonce: BigInt(`0x${randomBytes(7).toString('hex')}`), specDigest: random32(), replicas: 3, policy: 1, maxPrice: COIN, stake: 5n * COIN,
    minScore: 0, assignWindow: 60, commitWindow: 60, settleWindow: 60, disputeWindow: 60, sealKey: random32(), secretHash: random32(), ...PLAIN_TERMS, ...overrides,
  };
}

export function openingOf(resultDigest: Hex): Opening {
  return { resultDigest, evidenceDigest: random32(), salt: random32(), sketch: '0x01', proof: [] };
}

export function commitmentFor(court: Court, request: JobRequest, node: Hex, opening: Opening, shard = 0): { jobId: Hex; node: Hex; commitment: Hex } {
  const jobId = jobIdOf(court, request);
  return { jobId, node, commitment: commitmentOf(jobId, node, opening, shard) };
}

/** The roster as every step from Committed on repeats it. */
export function sealRoster(roster: readonly Seat[], commitments: readonly { index: number; commitment: Hex }[]): SealedSeat[] {
  return roster.map((seat, i) => ({ ...seat, commitment: commitments.find(({ index }) => index === i)?.commitment ?? zeroHash }));
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'gadus-chain-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A TCP relay that can be cut and restored. */
export async function startProxy(target: string): Promise<{ url: string; cut(): Promise<void>; restore(): Promise<void> }> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => undefined).on('close', () => { sockets.delete(end); socket.destroy(); upstream.destroy(); });
    }
    socket.pipe(upstream).pipe(socket);
  });
  // Not on an address where others may be given the port while it is not listened to.
  const { host, port: own } = await freePlace();
  server.listen(own, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${own}`,
    cut: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    restore: async () => {
      server.listen(own, host);
      await once(server, 'listening');
    },
  };
}
