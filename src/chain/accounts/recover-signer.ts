import { recover } from 'tiny-secp256k1';
import { hexToBytes, keccak256, type Address, type Hex } from 'viem';

/**
 * The account whose key made a signature over a hash: 65 bytes, v 27 or 28. By libsecp256k1 compiled to WebAssembly, five times as fast as
 * JavaScript; a job has a dozen signatures to check.
 *
 * @returns undefined where no key makes that signature
 */
export function recoverSigner(hash: Hex, signature: Hex): Address | undefined {
  const bytes = hexToBytes(signature);
  let key: Uint8Array | null;
  try {
    key = recover(hexToBytes(hash), bytes.subarray(0, 64), bytes[64] === 28 ? 1 : 0, false);
  } catch {
    return undefined;
  }
  return key === null ? undefined : `0x${keccak256(key.subarray(1)).slice(-40)}`;
}
