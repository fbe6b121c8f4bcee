import { Command, CommanderError } from 'commander';
import { isError } from '../protocol/base/errors.ts';
import { endWithReader } from './end-with-reader.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { reportError } from './output.ts';
import { UsageError } from './usage-error.ts';
import { Interrupted } from './interrupted.ts';

/** Every command, its code loaded only when it is asked for: nearly all of the start-up time is libraries. */
const COMMANDS: Record<string, { about: string; load(): Promise<(command: Command) => void> }> = {
  devnet: {
    about: 'run a whole network on this machine: a chain with the contracts, and nodes, until Ctrl-C',
    load: async () => (await import('./commands/devnet.ts')).registerDevnet,
  },
  serve: {
    about: 'run a compute node until Ctrl-C',
    load: async () => (await import('./commands/serve.ts')).registerServe,
  },
  run: {
    about: 'run a command beside the data, on several nodes, and fetch the result they agree on',
    load: async () => (await import('./commands/run.ts')).registerRun,
  },
  job: {
    about: 'submit specs, follow, validate and fetch jobs',
    load: async () => (await import('./commands/job.ts')).registerJob,
  },
  data: {
    about: 'add, fetch and find data by CID',
    load: async () => (await import('./commands/data.ts')).registerData,
  },
  node: {
    about: 'the nodes of the network',
    load: async () => (await import('./commands/node.ts')).registerNode,
  },
  wallet: {
    about: 'the client\'s coin and standing',
    load: async () => (await import('./commands/wallet.ts')).registerWallet,
  },
  image: {
    about: 'make and list the images that jobs run in',
    load: async () => (await import('./commands/image.ts')).registerImage,
  },
  trace: {
    about: 'record, compare, explain and plot execution traces; needs no network',
    load: async () => (await import('./commands/trace.ts')).registerTrace,
  },
  chain: {
    about: 'deploy the contracts to a chain, check what is deployed, look at a chain',
    load: async () => (await import('./commands/chain.ts')).registerChain,
  },
  doctor: {
    about: 'what this machine can run, with the remedy for each lack',
    load: async () => (await import('./commands/doctor.ts')).registerDoctor,
  },
};

endWithReader();
const wantsJson = asksForJson(process.argv.slice(2));
const program = new Command('gadus')
  .description('Compute over data on machines nobody has to trust: jobs run beside the data, execution traces are the evidence of work.')
  .version('0.1.0')
  .option('--json', 'print results as JSON, and errors as JSON on stderr')
  .option('--profile <FILE>', 'network profile (default: $GADUS_PROFILE, or profile.json in $GADUS_HOME or ~/.gadus)')
  .showHelpAfterError('(gadus COMMAND --help shows how it is used)')
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ writeErr: (text) => { if (!wantsJson) process.stderr.write(text); } })
  .addHelpText('after', `
Exit codes: 0 done; 1 failed; 2 wrong usage or spec; 3 chain, node or registry unreachable; 4 replicas do not agree, or the
job expired; 5 not found; 6 refused by the chain; 130 interrupted. gadus run gives the job's own exit code.

Examples:
  $ gadus doctor
  $ gadus devnet
  $ gadus run -i table.csv -- sort -o /outputs/sorted.csv /inputs/table.csv`);

const asked = process.argv.slice(2).find((argument) => Object.hasOwn(COMMANDS, argument));
for (const [name, { about, load }] of Object.entries(COMMANDS)) {
  if (asked !== undefined && name !== asked) continue;
  const command = program.command(name).description(about);
  if (name === asked) (await load())(command);
}
inherit(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error.exitCode !== 0 && wantsJson) {
      const message = error.code === 'commander.help' ? 'no command is named' : error.message.replace(/^error: /, '');
      reportError(new UsageError(message, 'gadus COMMAND --help shows how it is used'), { json: true });
    }
  } else if (error instanceof Interrupted || (isError(error) === false && (error as Error)?.name === 'Interrupted')) {
    process.exitCode = EXIT.interrupted;
  } else {
    reportError(error, { json: wantsJson });
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
