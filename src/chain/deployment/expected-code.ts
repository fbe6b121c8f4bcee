import { concat, encodeAbiParameters, keccak256, numberToHex, pad, size, slice, stringToHex, type Address, type Hex } from 'viem';
import type { RuntimeCode } from '../runtime-code.ts';

/** What a contract's constructor wrote into its code, by the immutable's name: words of 32 bytes. */
export type Immutables = Readonly<Record<string, Hex>>;

/** The code a contract has once deployed: its runtime code with the immutables written in. */
export function expectedCode(creation: Hex, { start, length, immutables }: RuntimeCode, values: Immutables): Hex {
  const code = slice(creation, start, start + length);
  const places = Object.entries(immutables).flatMap(([name, offsets]) => offsets.map((offset) => ({ name, offset }))).sort((a, b) => a.offset - b.offset);
  const parts: Hex[] = [];
  let done = 0;
  for (const { name, offset } of places) {
    const value = values[name];
    if (value === undefined) throw new Error(`immutable ${name} has no value`);
    parts.push(slice(code, done, offset), value);
    done = offset + 32;
  }
  return concat([...parts, slice(code, done)]);
}

/** Where deployed code first departs from what was expected, in words; undefined where it does not. */
export function departureOf(actual: Hex, expected: Hex, { immutables }: RuntimeCode): string | undefined {
  if (actual.toLowerCase() === expected.toLowerCase()) return undefined;
  if (size(actual) !== size(expected)) return `${size(actual)} bytes of code, not ${size(expected)}`;
  const at = [...Array(size(expected)).keys()].find((i) => actual.slice(2 + 2 * i, 4 + 2 * i).toLowerCase() !== expected.slice(2 + 2 * i, 4 + 2 * i).toLowerCase())!;
  for (const [name, offsets] of Object.entries(immutables)) {
    const offset = offsets.find((offset) => at >= offset && at < offset + 32);
    if (offset !== undefined) return `immutable ${name} is ${slice(actual, offset, offset + 32)}, not ${slice(expected, offset, offset + 32)}`;
  }
  return `the code departs at byte ${at}`;
}

/** The immutables of OpenZeppelin's EIP712, for the name and version all of Gadus's contracts have. */
export function eip712Immutables(chainId: number, contract: Address): Immutables {
  const [name, version] = [stringToHex('Gadus'), stringToHex('1')];
  const [hashedName, hashedVersion] = [keccak256(name), keccak256(version)];
  const typeHash = keccak256(stringToHex('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'));
  return {
    _cachedChainId: word(chainId), _cachedThis: word(contract), _hashedName: hashedName, _hashedVersion: hashedVersion,
    _name: shortString(name), _version: shortString(version),
    _cachedDomainSeparator: keccak256(encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'bytes32' }, { type: 'uint256' }, { type: 'address' }],
      [typeHash, hashedName, hashedVersion, BigInt(chainId), contract],
    )),
  };
}

/** A number or an address as a word. */
export function word(value: number | bigint | Address): Hex {
  return typeof value === 'string' ? pad(value.toLowerCase() as Hex) : numberToHex(value, { size: 32 });
}

/** OpenZeppelin's ShortString: the text to the left, its length in the last byte. */
function shortString(text: Hex): Hex {
  return concat([pad(text, { dir: 'right', size: 31 }), numberToHex(size(text), { size: 1 })]);
}
