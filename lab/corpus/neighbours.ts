import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Each looks now and then whether its parent still lives, so that none outlasts a killed recorder. */
const BUSY_LOOP = 'while kill -0 $PPID; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; done';
const DISK_WRITER = 'while kill -0 $PPID; do dd if=/dev/zero of="$0" bs=256k count=64 conv=fsync; sleep 0.05; done';

/** Work that others do on the same machine. */
export interface Neighbours { stop(): Promise<void> }

/** Starts neighbours; every second one writes to the disk of `directory`, the others use up CPU. */
export function startNeighbours(count: number, directory: string): Neighbours {
  const files: string[] = [];
  const children = Array.from({ length: count }, (_, i) => {
    const file = join(directory, `neighbour-${i}.${process.pid}.draft`);
    files.push(file);
    // The name tells a reader of ps(1) whose it is; only a disk writer makes the file.
    return spawn('/bin/sh', ['-c', i % 2 === 0 ? BUSY_LOOP : DISK_WRITER, file], { stdio: 'ignore', detached: true });
  });
  return {
    async stop() {
      await Promise.all(children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
        const left = once(child, 'exit');
        // A group of its own: the shell and what it runs at the moment.
        process.kill(-child.pid, 'SIGKILL');
        await left;
      }));
      await Promise.all(files.map((file) => rm(file, { force: true })));
    },
  };
}
