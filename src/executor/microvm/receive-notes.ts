import { MAX_NOTED_FILES } from '../constants.ts';
import { noteBook } from '../outputs/output-notes.ts';
import type { OutputNotes } from '../../protocol/index.ts';
import { MAX_NOTED_PATH_BYTES } from './constants.ts';
import { decodeStrings, misbehaved } from './wire.ts';

export interface NoteReceiver {
  /** @throws ExecutorError GUEST_MISBEHAVED */
  note(payload: Buffer): void;
  read(): OutputNotes;
}

/** Keeps what a guest says of the lengths of its job's output files: strings, the time (ms since the start mark), then path and bytes of each. */
export function receiveNotes(): NoteReceiver {
  const book = noteBook();
  // One string for each path, however often it comes.
  const known = new Map<string, string>();
  let pathBytes = 0;
  let last = 0;
  return {
    note(payload) {
      const [time, ...words] = decodeStrings(payload).map(String);
      if (words.length % 2 !== 0 || words.length > 2 * (MAX_NOTED_FILES + 1)) throw misbehaved('a note of too many or too few words');
      const t = numberOf(time);
      const lengths = new Map<string, number>();
      for (let i = 0; i < words.length; i += 2) {
        const path = words[i]!;
        if (!known.has(path)) {
          if ((pathBytes += path.length) > MAX_NOTED_PATH_BYTES) return;
          known.set(path, path);
        }
        lengths.set(known.get(path)!, numberOf(words[i + 1]));
      }
      book.add(last = Math.max(t, last + 1e-3), lengths);
    },
    read: () => book.read(),
  };
}

function numberOf(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text === '' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw misbehaved('numbers that are none');
  return value;
}
