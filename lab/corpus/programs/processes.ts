import { TAR_FILES } from '../inputs/generate-input.ts';
import type { LabProgram } from './program.ts';

const MB = 1_000_000;

/** Compilers, crowds of processes, and those that mostly wait. */
export const PROCESS_PROGRAMS: LabProgram[] = [
  {
    name: 'gcc', kind: 'compilation', deterministic: true, image: 'tools',
    input: { kind: 'source', bytes: 100_000 }, other: { suffix: 'large', bytes: 400_000 },
    script: () => 'gcc -x c -O1 -w -o /outputs/program /inputs/data && /outputs/program',
  },
  {
    name: 'tcc', kind: 'compilation', deterministic: true, image: 'tools',
    input: { kind: 'source', bytes: 6 * MB },
    script: () => 'cp /inputs/data data.c && tcc -w -c -o /outputs/program.o data.c',
  },
  {
    name: 'make-parallel', kind: 'multi-process', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'sources', bytes: 300_000 },
    script: () => `tar xf /inputs/data && printf 'all: $(patsubst %%.c,/outputs/%%.o,$(wildcard *.c))\\n/outputs/%%.o: %%.c\\n\\tgcc -O0 -w -c -o $@ $<\\n' > Makefile && make -s -j 2`,
  },
  {
    name: 'xargs-hash', kind: 'multi-process', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'texts', bytes: 6 * MB },
    script: () => 'tar xf /inputs/data && ls *.txt | xargs -P 2 -n 1 sh -c \'sort -u "$0" | gzip -9 -n > "/outputs/$0.gz"\'',
  },
  {
    name: 'xargs-race', kind: 'multi-process', deterministic: false, image: 'tools', cpus: 2,
    input: { kind: 'texts', bytes: 6 * MB },
    // Two writers, one file: the order is whoever comes first.
    script: () => 'tar xf /inputs/data && ls *.txt | xargs -P 2 -n 1 sh -c \'tr " " "\\n" < "$0" | sort | uniq -c | sort -rn | head -n 500 >> /outputs/all.txt\'',
  },
  {
    name: 'ripgrep-race', kind: 'search', deterministic: false, image: 'tools', cpus: 2,
    input: { kind: 'texts', bytes: 6 * MB },
    script: () => 'tar xf /inputs/data && rg -j 2 -N "\\b\\p{L}*(qua|xi)\\p{L}*\\s+\\p{L}+o\\s+\\w*gu" . > /outputs/found.txt',
  },
  {
    name: 'sleeper', kind: 'waiting', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'sales', bytes: 2 * MB },
    script: (work) => `for i in $(seq ${Math.round(10 * work)}); do split -n $i/10 /inputs/data | cut -d, -f1 | sort | uniq -c; sleep 0.1; done > /outputs/counts`,
  },
  {
    name: 'waiter', kind: 'waiting', deterministic: true, image: 'tools',
    input: { kind: 'log', bytes: 2 * MB },
    script: () => 'mkfifo queue && { split -n l/8 /inputs/data part. && for f in part.*; do cat "$f"; sleep 0.05; done > queue & } && while read -r address rest; do printf "%s\\n" "$address"; done < queue | sort | uniq -c > /outputs/addresses',
  },
  {
    name: 'crowd', kind: 'multi-process', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'texts', bytes: 1 * MB },
    // Many processes that live a few milliseconds each.
    script: (work) => `tar xf /inputs/data && for r in 1 2 3 4; do for f in $(ls *.txt | head -n ${Math.round(TAR_FILES * work)}); do head -n 20 "$f" | tr a-z A-Z | cksum; done; done > /outputs/sums`,
  },
];
