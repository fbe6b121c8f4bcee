import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';

/**
 * Runs inside a job's network namespace for a moment: brings up its loopback, listens there, and hands the listener to its parent, which
 * accepts on it from outside. Arguments: a busybox, the port.
 */
const [busybox = '', port = ''] = process.argv.slice(2);
execFileSync(busybox, ['ip', 'link', 'set', 'lo', 'up'], { stdio: ['ignore', 'ignore', 'inherit'] });
const server = createServer();
server.listen({ host: '127.0.0.1', port: Number(port) }, () => {
  process.send!('listening', server, {}, () => process.disconnect());
});
// The parent that has the listener is who takes connections.
process.once('disconnect', () => process.exit(0));
