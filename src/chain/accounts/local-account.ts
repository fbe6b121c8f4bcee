import { signRecoverable } from 'tiny-secp256k1';
import { bytesToHex, hexToBytes, keccak256, serializeTransaction, type Hash, type Hex, type LocalAccount, type TypedDataDefinition } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { hashTypedData } from '../../protocol/index.ts';

/**
 * viem's account of a private key, the same signatures (RFC 6979, low s) made by libsecp256k1 compiled to WebAssembly: three transactions and
 * half a dozen statements are signed for a job.
 */
export function localAccount(privateKey: Hex): LocalAccount {
  const account = privateKeyToAccount(privateKey);
  const key = hexToBytes(privateKey);

  function signHash(hash: Hash): { r: Hex; s: Hex; v: bigint; yParity: 0 | 1 } {
    const { signature, recoveryId } = signRecoverable(hexToBytes(hash), key);
    return { r: bytesToHex(signature.subarray(0, 32)), s: bytesToHex(signature.subarray(32)), yParity: (recoveryId & 1) as 0 | 1, v: recoveryId === 0 ? 27n : 28n };
  }

  function sign(hash: Hash): Hex {
    const { r, s, yParity } = signHash(hash);
    return `${r}${s.slice(2)}${yParity === 0 ? '1b' : '1c'}`;
  }

  return {
    ...account,
    sign: async ({ hash }) => sign(hash),
    signTypedData: async (data) => sign(hashTypedData(data as unknown as TypedDataDefinition)),
    async signTransaction(transaction, options) {
      const serializer = options?.serializer ?? serializeTransaction;
      // The hash of a transaction with blobs is over one without their sidecars.
      if (transaction.type === 'eip4844') return account.signTransaction(transaction, options);
      const unsigned = await serializer(transaction as never);
      return await serializer(transaction as never, signHash(keccak256(unsigned as Hex)) as never) as never;
    },
  };
}
