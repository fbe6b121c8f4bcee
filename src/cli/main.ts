import { Command, CommanderError } from 'commander';
import { isError } from '../protocol/index.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { reportError } from './output.ts';
import { Interrupted } from './session.ts';

/** Every command, loaded only when it is asked for: most of the start-up time is libraries that one command does not need. */
const COMMANDS: Record<string, () => Promise<(program: Command) => void>> = {
  devnet: async () => (await import('./commands/devnet.ts')).registerDevnet,
  serve: async () => (await import('./commands/serve.ts')).registerServe,
  run: async () => (await import('./commands/run.ts')).registerRun,
  job: async () => (await import('./commands/job.ts')).registerJob,
  data: async () => (await import('./commands/data.ts')).registerData,
  node: async () => (await import('./commands/node.ts')).registerNode,
  wallet: async () => (await import('./commands/wallet.ts')).registerWallet,
  image: async () => (await import('./commands/image.ts')).registerImage,
  trace: async () => (await import('./commands/trace.ts')).registerTrace,
  chain: async () => (await import('./commands/chain.ts')).registerChain,
  doctor: async () => (await import('./commands/doctor.ts')).registerDoctor,
};

const program = new Command('gadus')
  .description('Compute over data on machines nobody has to trust: jobs run beside the data, execution traces are the evidence of work.')
  .version('0.1.0')
  .option('--json', 'print results as JSON, and errors as JSON on stderr')
  .option('--profile <FILE>', 'network profile (default: $GADUS_PROFILE, or profile.json in $GADUS_HOME or ~/.gadus)')
  .showHelpAfterError('(gadus COMMAND --help shows how it is used)')
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText('after', `
Exit codes: 0 done; 1 failed; 2 wrong usage or spec; 3 chain or node unreachable; 4 replicas do not agree, or the job
expired; 5 not found; 6 refused by the chain; 130 interrupted. gadus run gives the job's own exit code.

Examples:
  $ gadus doctor
  $ gadus devnet
  $ gadus run -i table.csv -- sort -o /outputs/sorted.csv /inputs/table.csv`);

const asked = process.argv.slice(2).find((argument) => Object.hasOwn(COMMANDS, argument));
for (const load of asked === undefined ? Object.values(COMMANDS) : [COMMANDS[asked]!]) (await load())(program);
inherit(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (error instanceof Interrupted || (isError(error) === false && (error as Error)?.name === 'Interrupted')) {
    process.exitCode = EXIT.interrupted;
  } else {
    reportError(error, { json: asksForJson(process.argv.slice(2)) });
    process.exitCode = exitCodeOf(error);
  }
}
// Handles of libraries that outlive their owners' stop must not keep a finished command alive.
process.exit();

/** Whether `--json` is among the options, wherever it stands; what follows `--` is the job's. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

/** Every command takes the global options after its name as well, and leaves exiting to us. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride().showHelpAfterError('(--help shows how it is used)');
    child.option('--json', 'print results as JSON').option('--profile <FILE>', 'network profile');
    inherit(child);
  }
}
