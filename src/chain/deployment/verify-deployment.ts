import { isAddressEqual, type Address, type Hex } from 'viem';
import { getChainId, getCode, readContract } from 'viem/actions';
import { schedulerAbi } from '../abi.ts';
import type { Addresses } from './addresses.ts';
import { blockHashRandomnessBytecode, checksBytecode, coinBytecode, disputesBytecode, drandRandomnessBytecode, schedulerBytecode } from '../bytecode.ts';
import { createChainClient, type CallOptions } from '../rpc/chain-client.ts';
import { chainProfile } from '../chain-profile.ts';
import { ChainError, toChainError } from '../errors.ts';
import { blockHashRandomnessRuntime, checksRuntime, coinRuntime, disputesRuntime, drandRandomnessRuntime, schedulerRuntime } from '../runtime-code.ts';
import { withSignal } from '../rpc/with-signal.ts';
import { departureOf, eip712Immutables, expectedCode, word } from './expected-code.ts';

/** One thing looked at. `detail` says what was found, or in what it is not as it should be. */
export interface DeploymentCheck { what: 'chain' | 'scheduler' | 'disputes' | 'checks' | 'randomness' | 'coin' | 'parameters'; ok: boolean; detail: string }

/**
 * Compares what is deployed with this version's contracts, byte for byte, immutables included, and with what an addresses file says.
 * The coin may be anybody's; everything else must be ours.
 *
 * @throws ChainError NO_CONTRACT where there is no scheduler, RPC_UNREACHABLE, RPC_ERROR
 */
export async function verifyDeployment(rpcUrl: string, addresses: Addresses, { signal }: CallOptions = {}): Promise<DeploymentCheck[]> {
  const client = withSignal(createChainClient(rpcUrl), signal);
  const { scheduler } = addresses;
  const codeAt = async (address: Address): Promise<Hex> => await getCode(client, { address }) ?? '0x';
  const ask = <N extends 'COIN' | 'RANDOMNESS' | 'DISPUTES' | 'CHECKS' | 'SEED_DELAY' | 'MIN_WINDOW' | 'MAX_WINDOW'>(functionName: N) =>
    readContract(client, { address: scheduler, abi: schedulerAbi, functionName });
  try {
    const chainId = await getChainId(client);
    if (chainId !== addresses.chainId) {
      return [{ what: 'chain', ok: false, detail: `the endpoint serves chain ${chainId}, the contracts are recorded on ${addresses.chainId}` }];
    }
    const code = await codeAt(scheduler);
    if (code === '0x') {
      throw new ChainError('NO_CONTRACT', 'there is no scheduler at this address', { details: `${scheduler} on chain ${chainId}`, hint: 'check the address and the chain' });
    }
    const [coin, randomness, disputes, checks, seedDelay, minWindow, maxWindow] = await Promise.all([
      ask('COIN'), ask('RANDOMNESS'), ask('DISPUTES'), ask('CHECKS'), ask('SEED_DELAY'), ask('MIN_WINDOW'), ask('MAX_WINDOW'),
    ]);
    const [disputesCode, checksCode, randomnessCode, coinCode] = await Promise.all([codeAt(disputes), codeAt(checks), codeAt(randomness), codeAt(coin)]);
    const own = (contract: Address) => ({ COIN: word(coin), RANDOMNESS: word(randomness), SEED_DELAY: word(seedDelay), ...eip712Immutables(chainId, contract) });
    const schedulerExpected = expectedCode(schedulerBytecode, schedulerRuntime, {
      ...own(scheduler), DISPUTES: word(disputes), CHECKS: word(checks), MIN_WINDOW: word(minWindow), MAX_WINDOW: word(maxWindow),
    });
    return [
      { what: 'chain', ok: true, detail: `chain ${chainId}` },
      codeCheck('scheduler', scheduler, departureOf(code, schedulerExpected, schedulerRuntime)),
      codeCheck('disputes', disputes, departureOf(disputesCode, expectedCode(disputesBytecode, disputesRuntime, own(disputes)), disputesRuntime)),
      codeCheck('checks', checks, departureOf(checksCode, expectedCode(checksBytecode, checksRuntime, own(checks)), checksRuntime)),
      randomnessCheck(chainId, randomness, randomnessCode),
      coinCheck(coin, coinCode, departureOf(coinCode, expectedCode(coinBytecode, coinRuntime, eip712Immutables(chainId, coin)), coinRuntime) === undefined),
      parametersCheck(addresses, { coin, randomness, seedDelay: Number(seedDelay), minWindowSeconds: Number(minWindow), maxWindowSeconds: Number(maxWindow) }),
    ];
  } catch (error) {
    signal?.throwIfAborted();
    // A contract without these functions reverts, or answers nothing.
    const known = toChainError(error);
    if (known.code !== 'TX_REVERTED' && known.code !== 'NO_CONTRACT') throw known;
    throw new ChainError('NO_CONTRACT', 'there is no scheduler at this address', { details: scheduler, hint: 'check the address and the chain', cause: error });
  }
}

function codeCheck(what: 'scheduler' | 'disputes' | 'checks', address: Address, departure: string | undefined): DeploymentCheck {
  return { what, ok: departure === undefined, detail: departure === undefined ? `${address} has this version's code` : `${address}: ${departure}` };
}

/** Ours of either kind, and the kind that this chain needs: block hashes are for Filecoin's block producers to choose from. */
function randomnessCheck(chainId: number, address: Address, code: Hex): DeploymentCheck {
  const kinds = [
    { kind: 'block-hash', creation: blockHashRandomnessBytecode, runtime: blockHashRandomnessRuntime },
    { kind: 'drand', creation: drandRandomnessBytecode, runtime: drandRandomnessRuntime },
  ] as const;
  const kind = kinds.find(({ creation, runtime }) => departureOf(code, expectedCode(creation, runtime, {}), runtime) === undefined)?.kind;
  const wanted = chainProfile(chainId).randomness;
  const detail = kind === undefined ? 'is none of this version\'s' : kind === wanted ? `is this version's, of kind ${kind}` : `is of kind ${kind}, this chain needs ${wanted}`;
  return { what: 'randomness', ok: kind === wanted, detail: `${address} ${detail}` };
}

function coinCheck(address: Address, code: Hex, isOurs: boolean): DeploymentCheck {
  return { what: 'coin', ok: code !== '0x', detail: `${address} ${isOurs ? 'has this version\'s code' : code === '0x' ? 'has no code' : 'is another contract\'s: judge it yourself'}` };
}

function parametersCheck(recorded: Addresses, found: Required<Pick<Addresses, 'coin' | 'randomness' | 'seedDelay' | 'minWindowSeconds' | 'maxWindowSeconds'>>): DeploymentCheck {
  const departures = (['coin', 'randomness', 'seedDelay', 'minWindowSeconds', 'maxWindowSeconds'] as const).flatMap((name) => {
    const [was, is] = [recorded[name], found[name]];
    const same = was === undefined || (typeof was === 'string' ? isAddressEqual(was, is as Address) : was === is);
    return same ? [] : [`${name} is ${is}, recorded as ${was}`];
  });
  const { seedDelay, minWindowSeconds, maxWindowSeconds } = found;
  return {
    what: 'parameters', ok: departures.length === 0,
    detail: departures.length > 0 ? departures.join('; ') : `seed after ${seedDelay} blocks, windows of ${minWindowSeconds} to ${maxWindowSeconds} s`,
  };
}
