import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Hex, TypedDataDefinition } from 'viem';
import { hashTypedData as hashAnyTypedData, isAddress } from 'viem/utils';

interface Field { name: string; type: string }
type Types = Record<string, readonly Field[]>;

/**
 * The EIP-712 digest of typed data, as viem's `hashTypedData` gives it, whose errors it throws. Of structures without nested ones what stays the
 * same, domain and type, is hashed once: a job has thirty statements to sign and check.
 */
export function hashTypedData(data: TypedDataDefinition): Hex {
  const { types, primaryType, domain, message } = data as unknown as { types: Types; primaryType: string; domain: Record<string, unknown>; message: Record<string, unknown> };
  const fields = types[primaryType];
  const domainHash = domain === undefined ? undefined : domainHashOf(domain);
  const encoded = fields === undefined || domainHash === undefined ? undefined : encodeFields(typeHashOf(types, primaryType), fields, message);
  if (domainHash === undefined || encoded === undefined) return hashAnyTypedData(data);
  const bytes = new Uint8Array(66);
  bytes.set([0x19, 0x01]);
  bytes.set(domainHash, 2);
  bytes.set(keccak_256(encoded), 34);
  return `0x${Buffer.from(keccak_256(bytes)).toString('hex')}`;
}

/** By the object of all types: our own are constants. */
const typeHashes = new WeakMap<Types, Map<string, Uint8Array>>();
/** Of the few courts that one process deals with, by what is in them. */
const domainHashes = new Map<string, Uint8Array>();

function typeHashOf(types: Types, name: string): Uint8Array {
  let known = typeHashes.get(types);
  if (known === undefined) typeHashes.set(types, known = new Map());
  let hash = known.get(name);
  if (hash === undefined) known.set(name, hash = keccak_256(Buffer.from(`${name}(${types[name]!.map((field) => `${field.type} ${field.name}`).join(',')})`)));
  return hash;
}

function domainHashOf(domain: Record<string, unknown>): Uint8Array | undefined {
  const key = JSON.stringify(domain, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  let hash = domainHashes.get(key);
  if (hash === undefined) {
    const types = { EIP712Domain: DOMAIN_FIELDS.filter(({ name }) => domain[name] !== undefined) };
    const encoded = encodeFields(typeHashOf(types, 'EIP712Domain'), types.EIP712Domain, domain);
    if (encoded === undefined) return undefined;
    hash = keccak_256(encoded);
    if (domainHashes.size >= MAX_DOMAINS) domainHashes.clear();
    domainHashes.set(key, hash);
  }
  return hash;
}

const MAX_DOMAINS = 64;
const DOMAIN_FIELDS: readonly Field[] = [
  { name: 'name', type: 'string' }, { name: 'version', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }, { name: 'salt', type: 'bytes32' },
];

/** A word for the type and one for each field; undefined for what is not plainly right, or not of a type that is one word. */
function encodeFields(typeHash: Uint8Array, fields: readonly Field[], message: Record<string, unknown>): Uint8Array | undefined {
  const words = Buffer.alloc(32 * (fields.length + 1));
  words.set(typeHash);
  let at = 32;
  for (const { name, type } of fields) {
    if (!writeWord(words, at, type, message[name])) return undefined;
    at += 32;
  }
  return words;
}

function writeWord(words: Buffer, at: number, type: string, value: unknown): boolean {
  if (type === 'string') {
    if (typeof value !== 'string') return false;
    words.set(keccak_256(Buffer.from(value)), at);
    return true;
  }
  if (type === 'address') return typeof value === 'string' && isAddress(value) && words.write(value.slice(2), at + 12, 'hex') === 20;
  const [, kind, size] = /^(uint|bytes)(\d+)$/.exec(type) ?? [];
  if (kind === 'bytes') return typeof value === 'string' && value.length === 2 + 2 * Number(size) && value.startsWith('0x') && words.write(value.slice(2), at, 'hex') === Number(size);
  if (kind !== 'uint' || (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))) return false;
  const number = BigInt(value);
  if (number < 0n || number >> BigInt(size!) !== 0n) return false;
  words.write(number.toString(16).padStart(64, '0'), at, 'hex');
  return true;
}
