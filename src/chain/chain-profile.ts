import { ANVIL_BLOCK_TIME_MS, ANVIL_CHAIN_ID, FILECOIN_CHAIN_IDS } from './constants.ts';

/** What Gadus must know of a kind of chain before it asks. Gas is never in here: every message is estimated. */
export interface ChainProfile {
  kind: 'devnet' | 'evm' | 'filecoin';
  /** Time from one block to the next, milliseconds; what deadlines are scaled by. */
  blockTimeMs: number;
  /** Where a new scheduler takes its seeds from, and how many blocks after the submit. */
  randomness: 'block-hash' | 'drand';
  seedDelay: number;
  /** Shortest and longest window a new scheduler allows, seconds: ten blocks, so that a message finds its way; thirty days. */
  minWindowSeconds: number;
  maxWindowSeconds: number;
}

const MAX_WINDOW_SECONDS = 30 * 86_400;
/** A block producer of Filecoin may skip its own epochs; ten in a row it does not have. */
const FILECOIN_SEED_DELAY = 10;

const PROFILES: Record<ChainProfile['kind'], ChainProfile> = {
  devnet: { kind: 'devnet', blockTimeMs: ANVIL_BLOCK_TIME_MS, randomness: 'block-hash', seedDelay: 1, minWindowSeconds: 1, maxWindowSeconds: MAX_WINDOW_SECONDS },
  // Ethereum's slot: faster chains have windows that are generous, none that are too short.
  evm: { kind: 'evm', blockTimeMs: 12_000, randomness: 'block-hash', seedDelay: 1, minWindowSeconds: 120, maxWindowSeconds: MAX_WINDOW_SECONDS },
  filecoin: { kind: 'filecoin', blockTimeMs: 30_000, randomness: 'drand', seedDelay: FILECOIN_SEED_DELAY, minWindowSeconds: 300, maxWindowSeconds: MAX_WINDOW_SECONDS },
};

/** The profile of a chain; any chain that is not known is taken for a common EVM chain. */
export function chainProfile(chainId: number): ChainProfile {
  if (chainId === ANVIL_CHAIN_ID) return PROFILES.devnet;
  return FILECOIN_CHAIN_IDS.includes(chainId) ? PROFILES.filecoin : PROFILES.evm;
}
