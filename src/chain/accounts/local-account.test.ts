import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, type Hex, type TransactionSerializable, type TypedDataDefinition } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { localAccount } from './local-account.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((value) => bytesToHex(value));
const key = bytes(32).filter((hex) => BigInt(hex) > 0n && BigInt(hex) < 2n ** 255n);

test('signs as viem does: hashes, statements, messages and transactions of every kind', async () => {
  await fc.assert(fc.asyncProperty(key, bytes(32), bytes(20), fc.bigInt({ min: 0n, max: 2n ** 80n }), async (privateKey: Hex, hash: Hex, to: Hex, value) => {
    const [own, theirs] = [localAccount(privateKey), privateKeyToAccount(privateKey)];
    assert.equal(own.address, theirs.address);
    assert.equal(await own.sign!({ hash }), await theirs.sign({ hash }));
    assert.equal(await own.signMessage({ message: hash }), await theirs.signMessage({ message: hash }));
    const data = { domain: { name: 'a', chainId: 1n }, types: { Call: [{ name: 'jobId', type: 'bytes32' }] }, primaryType: 'Call', message: { jobId: hash } } as unknown as TypedDataDefinition;
    assert.equal(await own.signTypedData(data), await theirs.signTypedData(data));
    const common = { chainId: 31_337, nonce: 3, to, data: hash, value, gas: 21_000n };
    for (const transaction of [
      { ...common, type: 'eip1559', maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }, { ...common, type: 'legacy', gasPrice: 7n }, { ...common, type: 'eip2930', gasPrice: 7n, accessList: [{ address: to, storageKeys: [hash] }] },
    ] as TransactionSerializable[]) assert.equal(await own.signTransaction(transaction), await theirs.signTransaction(transaction));
  }), { numRuns: 30 });
});
