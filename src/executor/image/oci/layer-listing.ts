import { MAX_LAYER_NAMES_CHARS } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import type { TarEntry } from '../unpack-tar.ts';

/** What unpacking a layer does not show any more. Names are relative, of the layer's root `''`, each byte a character (`latin1`): a layer may have some that are no text. */
export interface LayerListing {
  /** Directories that the layer has itself; others are there because something is in them. */
  directories: ReadonlySet<string>;
  /** What hard links are to. */
  linked: ReadonlySet<string>;
  /** @throws ExecutorError IMAGE_TOO_LARGE */
  add(entry: TarEntry): void;
}

const LINK = ' link to ';
/** What tar's escapes stand for, other than digits. */
const ESCAPES: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '?': '\x7f' };

/** Takes down a layer's listing. */
export function createLayerListing(): LayerListing {
  const directories = new Set<string>();
  const linked = new Set<string>();
  let chars = 0;
  const note = (names: Set<string>, text: string) => {
    const name = plainName(text);
    if (names.has(name)) return;
    names.add(name);
    chars += name.length;
    if (chars > MAX_LAYER_NAMES_CHARS) throw new ExecutorError('IMAGE_TOO_LARGE', 'the image has too many long names', { details: `more than ${MAX_LAYER_NAMES_CHARS} characters in a layer's directories` });
  };
  return {
    directories,
    linked,
    add({ type, name }) {
      if (type === 'd') note(directories, name);
      const parts = type === 'h' ? name.split(LINK) : [];
      // Where a name holds these words itself nobody knows which is which: such a link is one within its layer, or none.
      if (parts.length === 2) note(linked, parts[1]!);
    },
  };
}

/** `./a//b\040c/` as `a/b c`. */
function plainName(text: string): string {
  const bytes = Buffer.from(text).toString('latin1').replace(/\\([0-7]{3}|[^])/g, (_, escaped: string) => (escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped, 8)) : ESCAPES[escaped] ?? escaped));
  return bytes.split('/').filter((part) => part !== '' && part !== '.').join('/');
}
