import type { LabProgram } from './program.ts';

const MB = 1_000_000;

/** Compression, hashing and encryption. */
export const COMPRESSION_PROGRAMS: LabProgram[] = [
  {
    name: 'gzip', kind: 'compression', deterministic: true, image: 'tools',
    input: { kind: 'log', bytes: 16 * MB }, other: { suffix: 'small', bytes: 6 * MB },
    script: () => 'gzip -6 -n -c /inputs/data > /outputs/data.gz',
  },
  { name: 'bzip2', kind: 'compression', deterministic: true, image: 'tools', input: { kind: 'log', bytes: 6 * MB }, script: () => 'bzip2 -c /inputs/data > /outputs/data.bz2' },
  { name: 'xz', kind: 'compression', deterministic: true, image: 'tools', input: { kind: 'sales', bytes: 2 * MB }, script: () => 'xz -2 -T1 -c /inputs/data > /outputs/data.xz' },
  {
    name: 'xz-threads', kind: 'multi-thread', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'sales', bytes: 6 * MB }, script: () => 'xz -1 -T2 --block-size=1MiB -c /inputs/data > /outputs/data.xz',
  },
  {
    name: 'zstd', kind: 'compression', deterministic: true, image: 'tools',
    input: { kind: 'blob', bytes: 16 * MB }, script: () => 'zstd -q -9 --single-thread -c /inputs/data > /outputs/data.zst',
  },
  {
    name: 'zstd-threads', kind: 'multi-thread', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'blob', bytes: 16 * MB }, script: () => 'zstd -q -12 -T2 -c /inputs/data > /outputs/data.zst',
  },
  {
    name: 'pigz', kind: 'multi-thread', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'log', bytes: 16 * MB }, script: () => 'pigz -p 2 -n -c /inputs/data > /outputs/data.gz',
  },
  {
    name: 'gunzip-hash', kind: 'hashing', deterministic: true, image: 'tools',
    input: { kind: 'gzip', bytes: 16 * MB }, script: () => 'gzip -dc /inputs/data | tee /outputs/data.log | sha512sum',
  },
  {
    name: 'hash-rounds', kind: 'hashing', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'blob', bytes: 16 * MB }, other: { suffix: 'small', bytes: 4 * MB },
    script: (work) => `for i in $(seq ${Math.round(20 * work)}); do b2sum < /inputs/data; sha256sum < /inputs/data; done > /outputs/sums`,
  },
  {
    name: 'encrypt', kind: 'encryption', deterministic: false, image: 'tools',
    input: { kind: 'blob', bytes: 16 * MB },
    // A fresh salt each time: other bytes each time.
    script: () => 'openssl enc -aes-256-ctr -pbkdf2 -iter 300000 -pass pass:lab -in /inputs/data -out /outputs/data.enc',
  },
];
