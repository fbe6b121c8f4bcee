import { ExecutorError } from '../errors.ts';
import type { ByteReader } from './byte-reader.ts';

/** Opcodes that the meter treats by name: https://webassembly.github.io/spec/core/binary/instructions.html */
export const OP = {
  unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f,
  returnCall: 0x12, returnCallIndirect: 0x13, memoryGrow: 0x40,
} as const;

/**
 * Passes over what follows an opcode, for all of WebAssembly 2.0 and tail calls. Threads, exceptions, garbage collection and
 * relaxed vectors are refused: a count of them would be wrong, or differ between machines.
 *
 * Not for branches and blocks, whose immediates the caller wants.
 *
 * @throws ExecutorError IMAGE_INVALID
 */
export function skipImmediates(opcode: number, reader: ByteReader): void {
  if (opcode >= 0x45 && opcode <= 0xc4) return;
  if (opcode >= 0x28 && opcode <= 0x3e) return skipMemoryArgument(reader);
  if (opcode >= 0x20 && opcode <= 0x26) return reader.skipLeb();
  switch (opcode) {
    case 0x00: case 0x01: case 0x0f: case 0x1a: case 0x1b: case 0xd1: return;
    case 0x10: case 0x12: case 0x41: case 0x42: case 0xd0: case 0xd2: return reader.skipLeb();
    case 0x3f: case OP.memoryGrow: return skipMemoryIndices(reader, 1);
    case 0x11: case 0x13: return skipLebs(reader, 2);
    case 0x1c: return reader.skip(reader.u32());
    case 0x43: return reader.skip(4);
    case 0x44: return reader.skip(8);
    case 0xfc: return skipBulk(reader);
    case 0xfd: return skipVector(reader);
    default: throw unsupported(`opcode 0x${opcode.toString(16).padStart(2, '0')}`);
  }
}

/** Saturating conversions, then memory and table operations by their number of indices. */
const BULK_INDICES = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/** How many of them, the last ones, are memories: memory.init, memory.copy, memory.fill. */
const MEMORY_INDICES: Record<number, number> = { 8: 1, 10: 2, 11: 1 };

function skipBulk(reader: ByteReader): void {
  const sub = reader.u32();
  const indices = BULK_INDICES[sub];
  if (indices === undefined) throw unsupported(`opcode 0xfc ${sub}`);
  const memories = MEMORY_INDICES[sub] ?? 0;
  skipLebs(reader, indices - memories);
  skipMemoryIndices(reader, memories);
}

/** A module has one memory: the next one is the meter's, and not for its code. */
function skipMemoryIndices(reader: ByteReader, count: number): void {
  for (let i = 0; i < count; i++) if (reader.u32() !== 0) throw unsupported('several memories');
}

/** Relaxed vector instructions begin here: their results differ between processors. */
const RELAXED_VECTORS = 256;

function skipVector(reader: ByteReader): void {
  const sub = reader.u32();
  if (sub >= RELAXED_VECTORS) throw unsupported(`opcode 0xfd ${sub}`);
  if (sub <= 11 || sub === 92 || sub === 93) skipMemoryArgument(reader);
  else if (sub === 12 || sub === 13) reader.skip(16);
  else if (sub >= 21 && sub <= 34) reader.skip(1);
  else if (sub >= 84 && sub <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  }
}

/** Alignment and offset; a module has one memory, so the flag that another follows is refused. */
function skipMemoryArgument(reader: ByteReader): void {
  if (reader.u32() >= 0x40) throw unsupported('several memories');
  reader.skipLeb();
}

function skipLebs(reader: ByteReader, count: number): void {
  for (let i = 0; i < count; i++) reader.skipLeb();
}

/** The error of a module that is one, but not for this engine. */
export function unsupported(details: string): ExecutorError {
  return new ExecutorError('IMAGE_INVALID', 'the module uses what this engine does not run', {
    details, hint: 'WebAssembly 2.0 with WASI preview 1 runs: no threads, exceptions, garbage collection, relaxed vectors',
  });
}
