import type { Programs } from './common-suite.ts';

/** The common suite's programs for engines that run images with a busybox in them. */
export const shellPrograms: Programs = {
  exit: (code) => ['sh', '-c', `exit ${code}`],
  args: (...args) => ['sh', '-c', 'for a; do printf "%s\\n" "$a"; done', 'sh', ...args],
  environ: () => ['env'],
  spin: () => ['sh', '-c', 'while :; do :; done'],
  copy: (from, to) => ['sh', '-c', 'f=$1; [ -e "$f" ] || f=/data/$1; cat "$f" > "$2"', 'sh', from, to],
  flood: (times) => ['sh', '-c', `head -c ${times * 65_536} /dev/zero`],
};
