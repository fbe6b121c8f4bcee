import { runTool } from '../tool.ts';

/** Packs a folder as a reproducible tar: names sorted, no times, everything owned by root; with `modes`, permissions as chmod(1) takes them. Device nodes and sockets are left out. */
export async function packRootfs(dir: string, out: string, { modes, signal }: { modes?: string; signal?: AbortSignal } = {}): Promise<void> {
  await runTool('tar', [
    '--create', '--file', out, '--directory', dir, '--format=gnu', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner',
    ...(modes === undefined ? [] : [`--mode=${modes}`]),
    '--exclude=./dev/*', '--warning=no-file-ignored', '.',
  ], signal === undefined ? {} : { signal });
}
