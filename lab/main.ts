import { parseArgs } from 'node:util';
import { LAB_COMMANDS, LAB_OPTIONS } from './commands.ts';
import { endWithReader } from '../src/cli/end-with-reader.ts';
import { messageOf } from '../src/protocol/index.ts';

const HELP = `npm run lab -- COMMAND [options]

${Object.entries(LAB_COMMANDS).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`).join('\n')}

Options:
${Object.entries(LAB_OPTIONS).map(([name, { about }]) => `  --${name.padEnd(18)} ${about}`).join('\n')}

Examples:
  npm run lab -- record --program sort-csv     # record runs that are not there yet
  npm run lab -- report                        # all cheats against all fingerprints, on .lab/runs
  npm run lab -- --sample                      # the same on the committed sample, lab/sample
  npm run lab -- economics                     # strategies against the rules of money and reputation
  npm run lab -- report --only-fingerprint full --cheat "90 % of the work"
`;

endWithReader();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('interrupted')));
try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(Object.entries(LAB_OPTIONS).map(([name, { type, multiple, short }]) => [name, { type, ...(multiple && { multiple }), ...(short && { short }) }])),
  });
  const command = LAB_COMMANDS[positionals[0] ?? (values.sample === true ? 'report' : '')];
  if (values.help === true || command === undefined || positionals.length > 1) {
    process.stdout.write(HELP);
    process.exit(values.help === true ? 0 : 2);
  }
  await command.run(values, { signal: stop.signal });
} catch (error) {
  process.stderr.write(`lab failed: ${messageOf(error)}\n`);
  process.exit(1);
}
