/** Ends a command whose reader is gone (`| head`) as Ctrl-C does: what is under way is put away, and nothing is said. */
export function endWithReader(): void {
  let ended = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!ended) process.kill(process.pid, 'SIGINT');
      ended = true;
    });
  }
}
