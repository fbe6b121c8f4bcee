import type { LabProgram } from './program.ts';

const MB = 1_000_000;

/** WASI programs, C in the folder `wasm`: their engine counts instructions, so that work is known exactly. */
export const WASM_PROGRAMS: LabProgram[] = [
  { name: 'wasm-sort-lines', kind: 'sort', deterministic: true, input: { kind: 'sales', bytes: 6 * MB } },
  { name: 'wasm-count-words', kind: 'text pipeline', deterministic: true, input: { kind: 'prose', bytes: 8 * MB } },
  { name: 'wasm-hash-rounds', kind: 'hashing', deterministic: true, input: { kind: 'blob', bytes: 2 * MB } },
  { name: 'wasm-matrix-powers', kind: 'linear algebra', deterministic: true, input: { kind: 'matrix', bytes: 200_000 } },
  { name: 'wasm-pack-runs', kind: 'compression', deterministic: true, input: { kind: 'log', bytes: 12 * MB } },
  { name: 'wasm-monte-carlo', kind: 'simulation', deterministic: false, input: { kind: 'matrix', bytes: 80_000 } },
].map((program) => ({
  ...program, input: program.input as LabProgram['input'], engine: 'wasm', image: 'wasm', knob: true,
  // The module takes both numbers itself.
  script: (work, bytes) => `${program.name.slice('wasm-'.length)} ${work} ${bytes}`,
}));
