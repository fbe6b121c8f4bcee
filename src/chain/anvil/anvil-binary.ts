import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ChainError } from '../errors.ts';

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Path of the anvil binary in its npm package. The binary itself is run, never npx or the package's launcher: they start it as a
 * grandchild that outlives them.
 *
 * @throws ChainError ANVIL_MISSING
 */
export function anvilBinary(platform: NodeJS.Platform = process.platform, arch: NodeJS.Architecture = process.arch): string {
  const name = `@foundry-rs/anvil-${platform}-${ARCHITECTURES[arch] ?? arch}`;
  try {
    const require = createRequire(import.meta.url);
    const path = join(dirname(require.resolve(`${name}/package.json`)), 'bin', platform === 'win32' ? 'anvil.exe' : 'anvil');
    if (existsSync(path)) return path;
  } catch {
    // Reported below: a package that cannot be resolved is as good as missing.
  }
  throw new ChainError('ANVIL_MISSING', 'anvil is not installed for this machine', {
    details: name, hint: `npm install ${name}@1.7.1, or do not install with --omit=optional`,
  });
}
