import type { JobSpec } from '../../protocol/index.ts';

/** What kind of machine a node is: its architecture by OCI's names, and the class its operator says it belongs to. */
export interface Hardware { arch: string; class?: string }

/** This machine's architecture, as OCI images name it. */
export function ownArch(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** Why a machine is not what a job asks for, or undefined. */
export function mismatch(requires: JobSpec['requires'], hardware: Hardware): string | undefined {
  if (requires === undefined) return undefined;
  if (requires.arch !== undefined && requires.arch !== hardware.arch) return `asks for ${requires.arch}, this node is ${hardware.arch}`;
  if (requires.class !== undefined && requires.class !== hardware.class) return `asks for machines of class ${requires.class}, this node is of ${hardware.class ?? 'none'}`;
  return undefined;
}
