import { ExecutorError } from '../errors.ts';
import { ByteReader, malformed } from './byte-reader.ts';
import { MAX_MODULE_BYTES, MAX_WASM_PAGES, WASM_PAGE_BYTES } from './constants.ts';
import { leb128 } from './leb128.ts';
import { meterCode } from './meter-code.ts';
import { unsupported } from './skip-immediates.ts';
import { WASI_FUNCTIONS, WASI_MODULE } from './wasi-functions.ts';

const SECTION = { custom: 0, import: 2, memory: 5, export: 7, code: 10 } as const;
const KIND = { function: 0, memory: 2 } as const;
/** `\0asm`, version 1. */
const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const MEMORY_IMPORT = [...name('gadus'), ...name('memory'), KIND.memory];
/** One page, shared between threads so that the count can be read while the module runs. */
const METER_IMPORT = [...name('gadus'), ...name('meter'), KIND.memory, 3, 1, 1];

/**
 * Prepares a WASI command for a measured run: its instructions are counted into memory `gadus.meter`, and its own memory becomes an
 * import, `gadus.memory`, that cannot grow beyond `maxBytes`. The memory's first and last size, in pages, are two little-endian
 * 32-bit numbers in the custom section `gadus.memory`; other custom sections are left out.
 *
 * Nothing is compiled here: what is wrong with a function's types shows when the sandbox compiles it.
 *
 * @throws ExecutorError IMAGE_INVALID, IMAGE_TOO_LARGE, JOB_UNFIT when the module begins with more memory than it may have
 */
export function meterModule(module: Uint8Array, { maxBytes }: { maxBytes: number }): Uint8Array {
  if (module.length > MAX_MODULE_BYTES) throw new ExecutorError('IMAGE_TOO_LARGE', 'the module is too large', { details: `${module.length} bytes of at most ${MAX_MODULE_BYTES}` });
  if (module.length < HEADER.length || HEADER.some((byte, i) => module[i] !== byte)) throw malformed('it does not begin as a module of version 1 does');
  const sections = splitSections(new ByteReader(module, HEADER.length));
  const memory = readMemory(sections.get(SECTION.memory), maxBytes);
  checkExports(sections.get(SECTION.export));
  const out: Uint8Array[] = [HEADER];
  // The meter comes after the module's own memory, whose index is in every load and store.
  const imports = importSection(sections.get(SECTION.import), [...(memory ? [[...MEMORY_IMPORT, 1, ...leb128(memory.min), ...leb128(memory.max)]] : []), METER_IMPORT]);
  let imported = false;
  for (const [id, content] of sections) {
    if (id >= SECTION.import && !imported) {
      out.push(imports);
      imported = true;
    }
    if (id === SECTION.import || id === SECTION.memory) continue;
    if (id === SECTION.code) out.push(codeSection(content, memory ? 1 : 0));
    else out.push(section(id, content.bytes.subarray(content.at, content.end)));
  }
  if (memory) out.push(section(SECTION.custom, Uint8Array.of(...name('gadus.memory'), ...new Uint8Array(Uint32Array.of(memory.min, memory.max).buffer))));
  return Buffer.concat(out);
}

/** Sections by id in their order, custom ones left out. */
function splitSections(reader: ByteReader): Map<number, ByteReader> {
  const sections = new Map<number, ByteReader>();
  while (!reader.done) {
    const id = reader.byte();
    const content = reader.slice(reader.u32());
    if (id === SECTION.custom) continue;
    if (id > 12) throw unsupported(`section ${id}`);
    if (sections.has(id)) throw malformed(`two sections ${id}`);
    sections.set(id, content);
  }
  return sections;
}

function readMemory(content: ByteReader | undefined, maxBytes: number): { min: number; max: number } | undefined {
  const reader = content && new ByteReader(content.bytes, content.at, content.end);
  const count = reader?.u32() ?? 0;
  if (!reader || count === 0) return undefined;
  if (count > 1) throw unsupported('several memories');
  const flags = reader.byte();
  if (flags > 1) throw unsupported('a shared or 64-bit memory');
  const min = reader.u32();
  const declared = flags === 1 ? reader.u32() : MAX_WASM_PAGES;
  const allowed = Math.floor(maxBytes / WASM_PAGE_BYTES);
  if (min > allowed) {
    throw new ExecutorError('JOB_UNFIT', 'the module begins with more memory than the job may have', {
      details: `${min * WASM_PAGE_BYTES} bytes of at most ${maxBytes}`, hint: `set resources.memoryBytes to ${min * WASM_PAGE_BYTES} or more`,
    });
  }
  return { min, max: Math.max(min, Math.min(declared, allowed, MAX_WASM_PAGES)) };
}

function checkExports(content: ByteReader | undefined): void {
  const exported = new Map<string, number>();
  if (content) {
    const reader = new ByteReader(content.bytes, content.at, content.end);
    for (let left = reader.u32(); left > 0; left--) {
      const key = reader.name();
      exported.set(key, reader.byte());
      reader.skipLeb();
    }
  }
  const hint = 'build it as a WASI command: a program with a main function';
  if (exported.get('_start') !== KIND.function) throw new ExecutorError('IMAGE_INVALID', 'the module is not a command', { details: 'it exports no function _start', hint });
  if (exported.has('_initialize')) throw new ExecutorError('IMAGE_INVALID', 'the module is not a command', { details: 'it exports _initialize, as a library does', hint });
  if (exported.get('memory') !== KIND.memory) throw new ExecutorError('IMAGE_INVALID', 'the module is not a command', { details: 'it exports no memory', hint });
}

/** The module's imports, which must be functions of WASI preview 1, and ours after them. */
function importSection(content: ByteReader | undefined, more: number[][]): Uint8Array {
  if (!content) return section(SECTION.import, Uint8Array.of(...leb128(more.length), ...more.flat()));
  const reader = new ByteReader(content.bytes, content.at, content.end);
  const count = reader.u32();
  const from = reader.at;
  for (let left = count; left > 0; left--) {
    const module = reader.name();
    const field = reader.name();
    if (module !== WASI_MODULE || !WASI_FUNCTIONS.has(field) || reader.byte() !== KIND.function) {
      throw new ExecutorError('IMAGE_INVALID', 'the module imports what this engine does not have', {
        details: `${module}.${field}`.slice(0, 200), hint: `only functions of ${WASI_MODULE} are there`,
      });
    }
    reader.skipLeb();
  }
  if (!reader.done) throw malformed('bytes after the last import');
  return section(SECTION.import, Buffer.concat([Uint8Array.from(leb128(count + more.length)), reader.bytes.subarray(from, reader.end), Uint8Array.from(more.flat())]));
}

function codeSection(content: ByteReader, meter: number): Uint8Array {
  const count = content.u32();
  const bodies: Uint8Array[] = [Uint8Array.from(leb128(count))];
  for (let left = count; left > 0; left--) {
    const body = meterCode(content.slice(content.u32()), meter);
    bodies.push(Uint8Array.from(leb128(body.length)), body);
  }
  if (!content.done) throw malformed('bytes after the last function');
  return section(SECTION.code, Buffer.concat(bodies));
}

function section(id: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(id, ...leb128(content.length)), content]);
}

function name(text: string): number[] {
  return [...leb128(Buffer.byteLength(text)), ...Buffer.from(text)];
}
