import { READ_BYTES, READ_CALLS, WRITE_CALLS, WRITTEN_BYTES } from './meter-page.ts';

type WasiFunction = (...args: unknown[]) => number;

/** Functions of WASI preview 1 that move bytes; the last argument of each is where in the module's memory it leaves how many. */
const MOVERS: Record<string, [bytes: number, calls: number]> = {
  fd_read: [READ_BYTES, READ_CALLS], fd_pread: [READ_BYTES, READ_CALLS], fd_write: [WRITTEN_BYTES, WRITE_CALLS], fd_pwrite: [WRITTEN_BYTES, WRITE_CALLS],
};

/** Of whom calls are told: bytes is 0 for one that failed. */
export interface IoListener { before(): void; after(bytesField: number, callsField: number, bytes: number): void }

/**
 * The functions, of which those that move bytes tell of themselves, whatever they answer. Only the module's own calls go through here: what the
 * process around it reads and writes is not counted.
 */
export function countIo(functions: Record<string, unknown>, memory: { readonly buffer: ArrayBufferLike }, listener: IoListener): Record<string, unknown> {
  let view = new DataView(memory.buffer);
  const moved = (at: unknown): number => {
    // A memory that grows gets another buffer.
    if (view.buffer !== memory.buffer) view = new DataView(memory.buffer);
    return view.getUint32((at as number) >>> 0, true);
  };
  return { ...functions, ...Object.fromEntries(Object.entries(MOVERS).map(([name, [bytes, calls]]) => {
    const call = functions[name] as WasiFunction;
    return [name, (...args: unknown[]) => {
      listener.before();
      const error = call(...args);
      listener.after(bytes, calls, error === 0 ? moved(args.at(-1)) : 0);
      return error;
    }];
  })) };
}
