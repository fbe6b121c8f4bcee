import type { Random } from './random.ts';

/** Kinds of text made of lines. */
export type RecordKind = 'sales' | 'log' | 'json' | 'prose' | 'edges' | 'features' | 'reads';

/** Mean length of a line by kind, bytes: what turns a share of the work into a number of lines. */
export const LINE_BYTES: Record<RecordKind, number> = { sales: 105, log: 118, json: 171, prose: 86, edges: 10.4, features: 68, reads: 255 };

/** A line, without its end; `slack` is the exact length of its free-text part, which the last line of an input uses to fit. */
type Line = (random: Random, slack?: number) => string;

/**
 * Lines of a kind, together exactly `bytes` long, whatever the seed: the last line's free text takes up what is left.
 *
 * @param bytes at least a few lines' worth
 */
export function recordsOf(kind: RecordKind, bytes: number, random: Random): string {
  const { header, line } = LINES[kind];
  const parts: string[] = header === undefined ? [] : [`${header}\n`];
  let left = bytes - (parts[0]?.length ?? 0);
  while (left > 3 * LINE_BYTES[kind]) {
    const text = line(random);
    parts.push(text, '\n');
    left -= text.length + 1;
  }
  const empty = line(random, 0);
  return [...parts, ...fit(empty, kind, left - 1), '\n'].join('');
}

/** The last line with as much free text as fills the rest. */
function fit(line: string, kind: RecordKind, bytes: number): string[] {
  const filler = 'x'.repeat(Math.max(0, bytes - line.length));
  if (kind === 'json') return [line.replace('"note":"', `"note":"${filler}`)];
  // Numbers take no letters; these zeros change no value.
  if (kind === 'edges') return ['0'.repeat(filler.length), line];
  if (kind === 'features') return [line, '0'.repeat(filler.length)];
  return [line, filler];
}

const COUNTRIES = ['Albania', 'Belgium', 'Bhutan', 'Burundi', 'Chad', 'Egypt', 'Estonia', 'Ghana', 'Haiti', 'Jordan', 'Laos', 'Mexico', 'Nepal', 'Oman', 'Palau', 'Panama', 'Rwanda', 'Samoa', 'Senegal', 'Vietnam'] as const;
const ITEMS = ['Baby Food', 'Beverages', 'Cereal', 'Clothes', 'Cosmetics', 'Fruits', 'Household', 'Meat', 'Snacks', 'Vegetables'] as const;
const PATHS = ['/', '/index.html', '/api/orders', '/api/items', '/login', '/static/site.css', '/static/app.js', '/reports/monthly', '/search'] as const;
const AGENTS = ['Mozilla/5.0 (X11; Linux x86_64)', 'curl/7.88.1', 'Mozilla/5.0 (Macintosh)', 'python-requests/2.28'] as const;
const SYLLABLES = ['ba', 'co', 'di', 'fe', 'gu', 'ha', 'in', 'jo', 'ka', 'lo', 'mi', 'nu', 'or', 'pe', 'qua', 'ri', 'sa', 'te', 'un', 'vo', 'we', 'xi', 'ya', 'zo'] as const;
const BASES = ['A', 'C', 'G', 'T'] as const;

/** A word of a vocabulary of about 14,000 in which few words are common and most are rare. */
function word(random: Random): string {
  const rank = Math.floor(24 ** (3 * random.uniform() ** 1.5));
  return SYLLABLES[rank % 24]! + SYLLABLES[Math.floor(rank / 24) % 24]! + (rank >= 576 ? SYLLABLES[Math.floor(rank / 576) % 24]! : '');
}

const words = (random: Random, count: number) => Array.from({ length: count }, () => word(random)).join(' ');
const letters = (random: Random, length: number) => Array.from({ length }, () => String.fromCharCode(97 + random.below(26))).join('');
const note = (random: Random, slack?: number) => (slack === undefined ? letters(random, 4 + random.below(9)) : letters(random, slack));
const date = (random: Random) => `20${10 + random.below(15)}-${String(1 + random.below(12)).padStart(2, '0')}-${String(1 + random.below(28)).padStart(2, '0')}`;
const digits = (random: Random, count: number) => String(random.below(10 ** count)).padStart(count, '0');

const LINES: Record<RecordKind, { header?: string; line: Line }> = {
  sales: {
    header: 'country,item,channel,priority,ordered,order,shipped,units,price,cost,revenue,profit,note',
    line(random, slack) {
      const units = 1 + random.below(9999);
      const price = 500 + random.below(60_000);
      const cost = Math.floor(price * (0.5 + 0.4 * random.uniform()));
      const money = (cents: number) => (cents / 100).toFixed(2);
      return [random.pick(COUNTRIES), random.pick(ITEMS), random.uniform() < 0.5 ? 'Online' : 'Offline', random.pick(['C', 'H', 'L', 'M']), date(random), digits(random, 9), date(random),
        units, money(price), money(cost), money(units * price), money(units * (price - cost)), note(random, slack)].join(',');
    },
  },
  log: {
    line: (random, slack) => `10.${random.below(4)}.${random.below(256)}.${random.below(256)} - - [${date(random)}T${digits(random, 2)}:00:${digits(random, 2)}Z] "GET ${random.pick(PATHS)}?id=${digits(random, 6)} HTTP/1.1" `
      + `${random.pick([200, 200, 200, 200, 304, 404, 500])} ${random.below(50_000)} "${random.pick(AGENTS)}" ${note(random, slack)}`,
  },
  json: {
    line: (random, slack) => JSON.stringify({
      id: digits(random, 9), when: date(random), customer: { name: words(random, 2), country: random.pick(COUNTRIES) },
      items: Array.from({ length: 1 + random.below(3) }, () => ({ sku: digits(random, 5), count: 1 + random.below(9) })), note: note(random, slack),
    }),
  },
  prose: { line: (random, slack) => `${words(random, 14)} ${note(random, slack)}` },
  edges: { line: (random) => `${random.below(20_000)} ${Math.floor(20_000 * random.uniform() ** 2)}` },
  features: {
    line(random) {
      const x = Array.from({ length: 7 }, () => random.normal());
      const y = x[0]! * x[1]! + Math.sin(2 * x[2]!) + 0.3 * random.normal();
      return [...x, y].map((value) => value.toFixed(5)).join(',');
    },
  },
  // SAM without a header: name, flag, reference, position, quality, CIGAR, mate, bases, base qualities.
  reads: {
    line(random, slack) {
      const bases = Array.from({ length: 100 }, () => random.pick(BASES)).join('');
      const qualities = Array.from({ length: 100 }, () => String.fromCharCode(63 + random.below(10))).join('');
      return `r${digits(random, 8)}\t0\tchr${1 + random.below(5)}\t${1 + random.below(1_000_000)}\t60\t100M\t*\t0\t0\t${bases}\t${qualities}\tXN:Z:n${note(random, slack)}`;
    },
  },
};
