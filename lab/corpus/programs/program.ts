import type { InputShape } from '../inputs/generate-input.ts';

/** A program that the owner of data would run on it, and what it runs on. */
export interface LabProgram {
  name: string;
  /** What sort of work it is, for grouping: `compression`, `text pipeline`. */
  kind: string;
  /** Whether two honest runs give the same output bytes. */
  deterministic: boolean;
  /** Image that has its tools; `wasm` for a module of its own. */
  image: ImageName | 'wasm';
  /** Engine it is for; the container when left out. */
  engine?: LabEngine;
  input: InputShape;
  /** Another size of the same: a job of its own, under this suffix. */
  other?: { suffix: string; bytes: number };
  /** Cores it may use; 1 when left out. */
  cpus?: number;
  /** Whether `script` heeds its share of the work. */
  knob?: true;
  /**
   * The shell script of a run, which ends at the first failure, inside pipelines too; its input is /inputs/data, its output goes to /outputs.
   *
   * @param work share of the work to do: a cheat reads all its input but leaves some of the work out
   * @param bytes size of the whole input before packing
   */
  script(work: number, bytes: number): string;
}

/** Images by the Debian packages they hold. */
export const IMAGE_PACKAGES = {
  tools: [
    'bzip2', 'flac', 'g++', 'gawk', 'gcc', 'imagemagick', 'jq', 'libc6-dev', 'lua5.4', 'make', 'miller', 'netpbm', 'openssl', 'perl', 'pigz', 'python3', 'python3-numpy',
    'ripgrep', 'samtools', 'sox', 'sqlite3', 'tcc', 'unzip', 'xz-utils', 'zip', 'zstd',
  ],
  video: ['ffmpeg'],
} as const;

/** Engines that the laboratory records by. */
export const LAB_ENGINES = ['container', 'wasm', 'microvm'] as const;
export type LabEngine = (typeof LAB_ENGINES)[number];

export type ImageName = keyof typeof IMAGE_PACKAGES;
