import { createHash } from 'node:crypto';
import type { AbiParameter } from 'viem';

/** Arguments for a fuzz test, the same for the same seed: small and large numbers, both truths, short and empty lists. */
export function argumentsFor(parameters: readonly AbiParameter[], seed: string): unknown[] {
  return parameters.map((parameter, i) => valueOf(parameter, `${seed}/${i}`));
}

function valueOf(parameter: AbiParameter, seed: string): unknown {
  const random = createHash('sha256').update(seed).digest();
  const { type } = parameter;
  const list = /^(.*)\[\]$/.exec(type);
  if (list !== null) return Array.from({ length: random[0]! % 4 }, (_, i) => valueOf({ ...parameter, type: list[1]! } as AbiParameter, `${seed}/${i}`));
  if (type === 'tuple') {
    const { components } = parameter as { components: readonly AbiParameter[] };
    return Object.fromEntries(components.map((part, i) => [part.name, valueOf(part, `${seed}/${i}`)]));
  }
  if (type === 'bool') return random[1]! % 2 === 1;
  if (type === 'address') return `0x${random.toString('hex').slice(0, 40)}`;
  const bytes = /^bytes(\d+)$/.exec(type);
  if (bytes !== null) return `0x${random.toString('hex').slice(0, 2 * Number(bytes[1]))}`;
  if (type === 'bytes') return `0x${random.toString('hex').slice(0, 2 * (random[0]! % 33))}`;
  const number = /^uint(\d+)$/.exec(type);
  if (number === null) throw new Error(`no arguments of type ${type}`);
  const bits = BigInt(number[1]!);
  const full = BigInt(`0x${random.toString('hex')}`) & ((1n << bits) - 1n);
  // A few bits, half of them, or all: numbers of every size.
  const sizes = [4n, bits / 2n, bits];
  const value = full >> (bits - sizes[random[2]! % sizes.length]!);
  return bits <= 48n ? Number(value) : value;
}
