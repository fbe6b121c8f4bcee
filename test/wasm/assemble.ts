import { readFile } from 'node:fs/promises';
import createWabt from 'wabt';

let ready: ReturnType<typeof createWabt> | undefined;

/** The binary form of a module in text form. */
export async function assemble(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const wabt = await (ready ??= createWabt());
  const features = { threads: true, exceptions: true, relaxed_simd: true, tail_call: true, gc: true, multi_memory: true };
  const module = wabt.parseWat('module.wat', text, features);
  try {
    // Checked elsewhere: the tests want wrong modules, too.
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** The tests' program with many uses: see its first lines. */
export async function toolbox(): Promise<Uint8Array<ArrayBuffer>> {
  return assemble(await readFile(new URL('toolbox.wat', import.meta.url), 'utf8'));
}
