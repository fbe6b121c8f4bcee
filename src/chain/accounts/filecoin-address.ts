import { blake2b } from '@noble/hashes/blake2.js';
import { base32 } from 'multiformats/bases/base32';
import { bytesToHex, getAddress, hexToBytes, type Address } from 'viem';
import { ChainError } from '../errors.ts';

/** Protocol 4 (delegated), address manager actor 10: Ethereum's address space on Filecoin. */
const NAMESPACE = Uint8Array.of(4, 10);
const CHECKSUM_BYTES = 4;

/**
 * An Ethereum address as Filecoin's explorers and wallets write it: `f410f…`, `t410f…` on test networks (FIP-0048).
 *
 * @example
 * toFilecoinAddress('0xd388ab098ed3e84c0d808776440b48f685198498') // f410f2oekwcmo2pueydmaq53eic2i62crtbeyuzx2gmy
 */
export function toFilecoinAddress(address: Address, network: 'f' | 't' = 'f'): string {
  const payload = hexToBytes(address);
  return `${network}410f${base32.baseEncode(Uint8Array.from([...payload, ...checksum(payload)]))}`;
}

/** The Ethereum address in an `f410f…` or `t410f…` address. @throws ChainError ADDRESSES_INVALID for another kind of address or a wrong checksum */
export function fromFilecoinAddress(text: string): Address {
  const encoded = /^[ft]410f([a-z2-7]{38}[aiqy])$/.exec(text)?.[1];
  if (encoded === undefined) {
    throw new ChainError('ADDRESSES_INVALID', 'this is no f410 address', { details: text, hint: 'f1, f2, f3 and f0 addresses have no Ethereum form of their own' });
  }
  const bytes = base32.baseDecode(encoded);
  const payload = bytes.subarray(0, 20);
  if (bytesToHex(checksum(payload)) !== bytesToHex(bytes.subarray(20))) {
    throw new ChainError('ADDRESSES_INVALID', 'the address\'s checksum is wrong', { details: text, hint: 'was it typed by hand?' });
  }
  return getAddress(bytesToHex(payload));
}

function checksum(payload: Uint8Array): Uint8Array {
  return blake2b(Uint8Array.from([...NAMESPACE, ...payload]), { dkLen: CHECKSUM_BYTES });
}
