import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFunctionData, type Abi, type AbiFunction } from 'viem';
import { argumentsFor } from './arguments.ts';

/** A test contract and the calls of its tests; those that want arguments several times. */
export interface Suite {
  /** As vm.getCode wants it. */
  artifact: string;
  names: string[];
  calls: `0x${string}`[];
  /** Gas that each may use; empty while that is not known. */
  gas: number[];
  /** Milliseconds that all of it takes, about. */
  costMs: number;
}

/** How often a fuzz test is called. */
const FUZZ_CALLS = 6;

/** The suites of a compiled project but those that `without` names. */
export function suitesOf(out: string, without: RegExp): Suite[] {
  return readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => /\.t\.sol\/\w+\.json$/.test(name)).sort().flatMap((name): Suite[] => {
    const [file, contract] = [name.split('/').at(-2)!, name.split('/').at(-1)!.replace(/\.json$/, '')];
    const { abi, bytecode } = JSON.parse(readFileSync(join(out, name), 'utf8')) as { abi: Abi; bytecode: { object: string } };
    const tests = abi.filter((item): item is AbiFunction => item.type === 'function' && item.name.startsWith('test'));
    if (without.test(contract) || tests.length === 0 || bytecode.object === '0x') return [];
    const calls = tests.flatMap((test) => Array.from({ length: test.inputs.length === 0 ? 1 : FUZZ_CALLS }, (_, i) => ({
      name: test.name, call: encodeFunctionData({ abi: [test], functionName: test.name, args: argumentsFor(test.inputs, `${test.name}/${i}`) }),
    })));
    return [{ artifact: `${file}:${contract}`, names: calls.map((call) => call.name), calls: calls.map((call) => call.call), gas: [], costMs: 1 }];
  });
}
