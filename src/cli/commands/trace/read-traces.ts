import { basename } from 'node:path';
import { readTraceFile, type TraceFile } from '../../../evidence/index.ts';
import { say } from '../../output.ts';
import { interruptSignal } from '../../session.ts';

/** A trace that was read, and the name of its file. */
export interface NamedTrace extends TraceFile { file: string }

/** Reads trace files, psrecord logs and CSV, and says what of them is not used. */
export function readTraces(files: readonly string[]): Promise<NamedTrace[]> {
  const signal = interruptSignal();
  return Promise.all(files.map(async (file) => {
    const one = await readTraceFile(file, { signal });
    for (const note of one.notes ?? []) say(`${basename(file)}: ${note}`);
    return { file, ...one };
  }));
}
