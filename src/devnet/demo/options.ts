import { parseArgs } from 'node:util';
import { CHEATS, type Cheat } from '../cheats.ts';

/** Engines the demonstration can run on; the report's job is a shell's. */
export const DEMO_ENGINES = ['container', 'microvm'] as const;
export type DemoEngine = (typeof DEMO_ENGINES)[number];
/** Rows where none are given: an emulated machine is about ten times slower. */
const ROWS = { container: '500000', microvm: '20000' };

export interface DemoOptions {
  rows: number;
  cheat: Cheat;
  /** Factor on the report's own pauses (10 s once, 2 s ten times). */
  pause: number;
  seed: number;
  out: string;
  json?: string;
  keep: boolean;
  engine: DemoEngine;
}

export const DEMO_HELP = `npm run demo -- [options]

Starts a whole network on this machine and runs the demonstration of the Bacalhau project report of 28 January 2022 on it: unzip a
sales table, sleep, replace "Office Supplies" by "Booze" ten times, on three of four nodes; then again with one of the three dishonest.

  --cheat KIND   what the dishonest node does: ${CHEATS.join(', ')} (default idle)
  --engine NAME  what runs the jobs: container (default) or microvm (emulated where there is no KVM)
  --rows N       rows of the table (default 500000, with microvm 20000; the report's own: 5000000)
  --full         the report's own size and pauses: 5,000,000 rows, 10 s and ten times 2 s
  --pause X      factor on the pauses (default 0.1)
  --seed N       seed of the table (default 2022)
  --out FILE     the HTML report (default gadus-report.html)
  --json FILE    the same as data
  --keep         keep the network's folder
  --help         this text

Examples:
  npm run demo
  npm run demo -- --cheat half --rows 100000 --json demo.json
`;

/** Reads the command line. @throws TypeError with a sentence for the user */
export function parseDemoOptions(argv: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rows: { type: 'string' }, cheat: { type: 'string', default: 'idle' }, full: { type: 'boolean', default: false }, pause: { type: 'string' },
      seed: { type: 'string', default: '2022' }, out: { type: 'string', default: 'gadus-report.html' }, json: { type: 'string' },
      keep: { type: 'boolean', default: false }, engine: { type: 'string', default: 'container' }, help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const cheat = CHEATS.find((kind) => kind === values.cheat);
  if (cheat === undefined) throw new TypeError(`--cheat must be one of ${CHEATS.join(', ')}, not ${values.cheat}`);
  const engine = DEMO_ENGINES.find((name) => name === values.engine);
  if (engine === undefined) throw new TypeError(`--engine must be one of ${DEMO_ENGINES.join(', ')}, not ${values.engine}`);
  return {
    cheat, engine,
    rows: whole('--rows', values.rows ?? (values.full ? '5000000' : ROWS[engine]), 100, 50_000_000),
    pause: real('--pause', values.pause ?? (values.full ? '1' : '0.1')),
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    out: values.out, keep: values.keep,
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new TypeError(`${name} must be a whole number from ${min} to ${max}, not ${text}`);
  return value;
}

function real(name: string, text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 10)) throw new TypeError(`${name} must be a number from 0 to 10, not ${text}`);
  return value;
}
