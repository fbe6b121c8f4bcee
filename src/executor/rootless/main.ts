import { enterUserNamespace, whyNotRootless } from './enter.ts';
import { cgroupLayout } from '../cgroup/layout.ts';

/** Runs a command as root of a user namespace: `node main.ts COMMAND…`. What `gadus serve` does to itself, for tests and tools. */
const command = process.argv.slice(2);
enterUserNamespace(command);
process.stderr.write(process.getuid?.() === 0 ? 'this is root already\n' : whyNotRootless(cgroupLayout()).map(({ what, remedy }) => `${what}\n  → ${remedy}\n`).join(''));
process.exitCode = 1;
