import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCipheriv } from 'node:crypto';
import { scrypt } from '@noble/hashes/scrypt.js';
import { concat, hexToBytes, keccak256 } from 'viem';
import { openKeystore } from './keystore.ts';

// A test vector of the Web3 Secret Storage definition.
const KEY = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr', cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46', kdf: 'pbkdf2',
    kdfparams: { c: 262144, dklen: 32, prf: 'hmac-sha256', salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd' },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  }, version: 3,
};

/** Written with another implementation of scrypt; the definition's own vector has parameters that RFC 7914 forbids. */
function scryptKeystore(password: string) {
  const [saltBytes, iv] = [Buffer.alloc(32, 7), Buffer.alloc(16, 9)];
  const derived = scrypt(password, saltBytes, { N: 4096, r: 8, p: 1, dkLen: 32 });
  const ciphertext = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv).update(hexToBytes(KEY));
  return {
    crypto: {
      cipher: 'aes-128-ctr', cipherparams: { iv: iv.toString('hex') }, ciphertext: ciphertext.toString('hex'), kdf: 'scrypt',
      kdfparams: { dklen: 32, n: 4096, p: 1, r: 8, salt: saltBytes.toString('hex') }, mac: keccak256(concat([derived.subarray(16), ciphertext])).slice(2),
    }, version: 3,
  };
}
const SCRYPT = scryptKeystore('testpassword');

test('keystores of both kinds open with their password', async () => {
  for (const keystore of [PBKDF2, SCRYPT]) assert.equal(await openKeystore(JSON.stringify(keystore), 'testpassword'), KEY);
  const { crypto, version } = PBKDF2;
  assert.equal(await openKeystore(JSON.stringify({ Crypto: crypto, version }), 'testpassword'), KEY);
});

test('a wrong password, damage, other versions and a scrypt that would eat the memory are typed errors', async () => {
  const refused = (value: unknown, password = 'testpassword') => assert.rejects(openKeystore(typeof value === 'string' ? value : JSON.stringify(value), password), { code: 'KEYSTORE_INVALID' });
  await refused(PBKDF2, 'testpasswort');
  for (const text of ['', '{', 'null', '[]', '{"version":3}']) await refused(text);
  await refused({ ...PBKDF2, version: 1 });
  await refused({ ...SCRYPT, crypto: { ...SCRYPT.crypto, ciphertext: 'd172' } });
  await refused({ ...SCRYPT, crypto: { ...SCRYPT.crypto, kdfparams: { ...SCRYPT.crypto.kdfparams, n: 2 ** 30 } } });
  await refused({ ...SCRYPT, crypto: { ...SCRYPT.crypto, kdfparams: { ...SCRYPT.crypto.kdfparams, n: 1000 } } });
});
