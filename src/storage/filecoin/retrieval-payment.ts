import { StorageError } from '../errors.ts';

/** How a node pays providers for what it downloads; today's providers ask for nothing. */
export interface RetrievalPayment {
  /** What a provider asks for a MiB, in the smallest unit of its coin; 0 when it is free. */
  pricePerMiB(host: string): Promise<bigint>;
  /** Pays for what came. */
  pay(host: string, amount: bigint): Promise<void>;
}

/** Providers that ask for nothing. */
export const freeRetrieval: RetrievalPayment = { pricePerMiB: async () => 0n, pay: async () => {} };

/** Guards a payment by a cap. */
export interface RetrievalBudget {
  /** Before a block is asked for. @throws StorageError OVER_BUDGET when it could cost more than is left */
  reserve(host: string, bytes: number): Promise<void>;
  /** A block came. */
  spend(host: string, bytes: number): Promise<void>;
  readonly spent: bigint;
}

const MIB = 1024n * 1024n;

/** @param cap most that may ever be spent through this budget; 0, the default, is nothing at all */
export function createBudget(payment: RetrievalPayment, { cap = 0n }: { cap?: bigint } = {}): RetrievalBudget {
  let spent = 0n;
  const cost = async (host: string, bytes: number) => (await payment.pricePerMiB(host) * BigInt(bytes) + MIB - 1n) / MIB;
  return {
    async reserve(host, bytes) {
      const price = await cost(host, bytes);
      if (spent + price > cap) {
        throw new StorageError('OVER_BUDGET', 'the provider asks for more than may be spent', { details: `${host}: ${price}, ${cap - spent} are left`, hint: 'storage.filecoin.budget is the cap' });
      }
    },
    async spend(host, bytes) {
      const price = await cost(host, bytes);
      if (price === 0n) return;
      if (spent + price > cap) throw new StorageError('OVER_BUDGET', 'the provider asks for more than may be spent', { details: host });
      spent += price;
      await payment.pay(host, price);
    },
    get spent() { return spent; },
  };
}
