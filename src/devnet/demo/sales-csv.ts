import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

const REGIONS: readonly (readonly [string, readonly string[]])[] = [
  ['Sub-Saharan Africa', ['Burundi', 'Chad', 'Ghana', 'Namibia', 'Rwanda', 'Senegal']],
  ['Europe', ['Albania', 'Belgium', 'Estonia', 'Ireland', 'Portugal', 'Slovenia']],
  ['Asia', ['Bangladesh', 'Bhutan', 'Japan', 'Laos', 'Nepal', 'Vietnam']],
  ['Middle East and North Africa', ['Algeria', 'Bahrain', 'Egypt', 'Jordan', 'Morocco', 'Oman']],
  ['Central America and the Caribbean', ['Barbados', 'Belize', 'Cuba', 'Grenada', 'Haiti', 'Panama']],
  ['Australia and Oceania', ['Australia', 'Fiji', 'Kiribati', 'Palau', 'Samoa', 'Tonga']],
  ['North America', ['Canada', 'Greenland', 'Mexico', 'United States of America']],
];
/** Item, unit price and unit cost in cents. */
const ITEMS: readonly (readonly [string, number, number])[] = [
  ['Office Supplies', 65121, 52496], ['Cosmetics', 43720, 26333], ['Household', 66827, 50254], ['Baby Food', 25528, 15942],
  ['Cereal', 20570, 11711], ['Beverages', 4745, 3179], ['Clothes', 10928, 3584], ['Fruits', 933, 692], ['Meat', 42189, 36469],
  ['Personal Care', 8173, 5667], ['Snacks', 15258, 9744], ['Vegetables', 15406, 9093],
];
const CHUNK_ROWS = 5000;

/**
 * Writes a sales table of `rows` rows in the columns of the well-known sample files; the same seed gives the same bytes.
 *
 * @returns bytes written
 */
export async function writeSalesCsv(path: string, rows: number, seed: number, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
  const random = mulberry32(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const file = createWriteStream(path);
  file.write('Region,Country,Item Type,Sales Channel,Order Priority,Order Date,Order ID,Ship Date,Units Sold,Unit Price,Unit Cost,Total Revenue,Total Cost,Total Profit\n');
  for (let row = 0; row < rows; row += CHUNK_ROWS) {
    signal?.throwIfAborted();
    let text = '';
    for (let i = Math.min(CHUNK_ROWS, rows - row); i > 0; i--) {
      const [region, countries] = pick(REGIONS);
      const [item, price, cost] = pick(ITEMS);
      const units = 1 + Math.floor(random() * 10_000);
      const ordered = 14_610 + Math.floor(random() * 3650);
      text += `${region},${pick(countries)},${item},${random() < 0.5 ? 'Online' : 'Offline'},${pick(['C', 'H', 'M', 'L'])},${day(ordered)},`
        + `${100_000_000 + Math.floor(random() * 900_000_000)},${day(ordered + Math.floor(random() * 51))},${units},${cents(price)},${cents(cost)},`
        + `${cents(price * units)},${cents(cost * units)},${cents((price - cost) * units)}\n`;
    }
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return file.bytesWritten;
}

/** Days since 1970 as M/D/YYYY. */
function day(days: number): string {
  const date = new Date(days * 86_400_000);
  return `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`;
}

function cents(value: number): string {
  return (value / 100).toFixed(2);
}

/** Tommy Ettinger's mulberry32: 32 bits of state, uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
