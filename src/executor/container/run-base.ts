import { readFileSync, writeFileSync } from 'node:fs';
import type { RunDirectory } from './run-directory.ts';
import type { CgroupLayout } from '../cgroup/layout.ts';

/** Keeps with a run where its group is, for whoever removes it after this process. */
export function noteBase({ base: file }: Pick<RunDirectory, 'base'>, { base }: Pick<CgroupLayout, 'base'>): void {
  if (base !== undefined) writeFileSync(file, base, { mode: 0o600 });
}

/** The layout as the process saw it that began a run. */
export function layoutOf({ base: file }: Pick<RunDirectory, 'base'>, layout: CgroupLayout): CgroupLayout {
  const { base: _, ...rest } = layout;
  try {
    return { ...rest, base: readFileSync(file, 'utf8') };
  } catch {
    return rest;
  }
}
