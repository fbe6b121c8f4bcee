import { malformed, type ByteReader } from './byte-reader.ts';
import { leb128, signedLeb128 } from './leb128.ts';
import { OP, skipImmediates } from './skip-immediates.ts';

/** Instructions that run together or not at all: bytes `from` to `to` of the module; `grown` where the one before them has asked for more memory. */
interface Segment { from: number; to: number; count: number; grown?: boolean }

interface Label { opcode: number; targeted: boolean }

/**
 * Rewrites one function body so that every straight run of instructions first adds its length to an i64 at address 0 of memory
 * `meter`, and every `memory.grow` leaves the memory's size there (`size`). Exact at every moment except inside the run that a trap or an exit cut short, which counts in full, always the same.
 *
 * A run ends at a branch, and begins where one can arrive: a loop's start, both arms of an `if` and its end, the end of
 * a block that something branches to. Block marks themselves count nothing, everything else 1, a bulk operation too.
 *
 * @param body the function's bytes after their length
 */
export function meterCode(body: ByteReader, meter: number): Uint8Array {
  const start = body.at;
  skipLocals(body);
  const segments: Segment[] = [{ from: start, to: body.at, count: 0 }];
  const labels: Label[] = [{ opcode: OP.block, targeted: false }];
  let segment: Segment = { from: body.at, to: body.at, count: 0 };
  const cut = () => {
    segment.to = body.at;
    segments.push(segment);
    segment = { from: body.at, to: body.at, count: 0 };
  };
  const target = () => {
    const label = labels.at(-1 - body.u32());
    if (!label) throw malformed(`a branch to nowhere at byte ${body.at}`);
    label.targeted = true;
  };
  while (labels.length > 0) {
    const opcode = body.byte();
    switch (opcode) {
      case OP.block: case OP.loop: case OP.if:
        body.skipLeb();
        labels.push({ opcode, targeted: false });
        if (opcode === OP.if) segment.count++;
        if (opcode !== OP.block) cut();
        break;
      case OP.else:
        cut();
        break;
      case OP.end: {
        const label = labels.pop()!;
        if (label.opcode === OP.if || (label.opcode === OP.block && label.targeted)) cut();
        break;
      }
      case OP.brTable:
        segment.count++;
        for (let left = body.u32() + 1; left > 0; left--) target();
        cut();
        break;
      case OP.br: case OP.brIf:
        segment.count++;
        target();
        cut();
        break;
      default:
        segment.count++;
        skipImmediates(opcode, body);
        if (opcode === OP.memoryGrow) {
          cut();
          segment.grown = true;
        }
        if (opcode === OP.return || opcode === OP.unreachable || opcode === OP.returnCall || opcode === OP.returnCallIndirect) cut();
    }
  }
  cut();
  if (!body.done) throw malformed(`a function goes on after its end at byte ${body.at}`);
  return Buffer.concat(segments.flatMap(({ from, to, count, grown }) => [
    ...(grown === true ? [size(meter)] : []), ...(count > 0 ? [addition(count, meter)] : []), body.bytes.subarray(from, to),
  ]));
}

/** Vectors of (count, type). */
function skipLocals(body: ByteReader): void {
  for (let left = body.u32(); left > 0; left--) {
    body.skipLeb();
    body.byte();
  }
}

/** Natural alignment of 8 bytes, with the flag that a memory's index follows. */
const ALIGN_8_OF_MEMORY = 0x43;

/** `i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const count))`, both in the meter's memory. */
function addition(count: number, meter: number): Uint8Array {
  return Uint8Array.of(
    0x41, 0, 0x41, 0, 0x29, ALIGN_8_OF_MEMORY, ...leb128(meter), 0, 0x42, ...signedLeb128(count), 0x7c, 0x37, ALIGN_8_OF_MEMORY, ...leb128(meter), 0,
  );
}

/** Where the first of the words for the memory's steps is, and how many pages are a step, as a shift: `guest/meter-page.ts`. */
const GROWTH_OFFSET = 16_384;
const GROWTH_SHIFT = 4;

/**
 * To the meter's memory, after an attempt to grow: `i64.store (i32.const 8) (i64.extend_i32_u (memory.size))`; and, into the word of
 * the step that this size is on, if there is nothing yet, how many instructions it took to get there.
 */
function size(meter: number): Uint8Array {
  const load = (offset: number) => [0x29, ALIGN_8_OF_MEMORY, ...leb128(meter), ...leb128(offset)];
  const store = (offset: number) => [0x37, ALIGN_8_OF_MEMORY, ...leb128(meter), ...leb128(offset)];
  const word = [0x3f, 0, 0x41, GROWTH_SHIFT, 0x76, 0x41, 3, 0x74];
  return Uint8Array.of(
    0x41, 8, 0x3f, 0, 0xad, ...store(0),
    ...word, ...load(GROWTH_OFFSET), 0x50, OP.if, 0x40, ...word, 0x41, 0, ...load(0), ...store(GROWTH_OFFSET), OP.end,
  );
}
