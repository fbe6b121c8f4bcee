import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { which } from '../src/executor/container/runtime.ts';
import { pullImage } from '../src/executor/index.ts';
import { unpackImage } from '../src/executor/image/unpack-image.ts';
import { binaryTar, sha256 } from '../test/images/layers.ts';
import { noRegistry, startRegistry } from '../test/images/registry.ts';
import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';

/** Layers, files of each, and bytes of a file: 100 MB in all, as much as a small distribution with an interpreter. */
const LAYERS = 3;
const FILES = 1600;
const FILE_BYTES = 21_000;
const RUNS = 5;

/** An image of 100 MB unpacked by us, by umoci where that is, and pulled from a registry on this machine, ms. */
export const images: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const results: Record<string, { p50: number; all: number[] }> = {};
  const measure = async (name: string, run: (serial: number) => Promise<unknown>) => {
    const all: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      const started = performance.now();
      await run(i);
      all.push(Math.round(performance.now() - started));
    }
    results[name] = { p50: quantile(all, 0.5), all };
  };
  try {
    const layout = join(dir, 'layout');
    await writeLayout(layout);
    const archive = join(dir, 'image.tar');
    execFileSync('tar', ['-cf', archive, '-C', layout, '.']);
    await measure('unpack', async (i) => {
      const [root, scratch] = [join(dir, `root-${i}`), join(dir, `scratch-${i}`)];
      for (const one of [root, scratch]) await mkdir(one);
      await unpackImage(archive, root, { scratch });
    });
    if (which('umoci') === undefined) say('umoci is not installed: not measured');
    else await measure('umoci raw unpack', async (i) => execFileSync('umoci', ['raw', 'unpack', '--image', `${layout}:image`, join(dir, `umoci-${i}`)], { stdio: 'ignore' }));
    if (noRegistry === false) {
      const registry = await startRegistry();
      try {
        registry.push(layout, 'bench/image:1');
        await measure('pull', (i) => pullImage({ reference: `${registry.host}/bench/image:1`, out: join(dir, `pulled-${i}.tar`) }));
      } finally {
        await registry.stop();
      }
    }
    say(table(['what', 'p50 ms', 'all'], Object.entries(results).map(([name, { p50, all }]) => [name, p50.toFixed(0), all.join(', ')])));
    return { layers: LAYERS, files: LAYERS * FILES, bytes: LAYERS * FILES * FILE_BYTES, ...results };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** Text that compresses as programs do, the same every time. */
function content(seed: number): Uint8Array {
  let text = '';
  for (let i = 0; text.length < FILE_BYTES; i++) text += `${createHash('sha256').update(`${seed}:${i}`).digest('hex').slice(0, 24)} = value of line ${i}\n`;
  return Buffer.from(text.slice(0, FILE_BYTES));
}

async function writeLayout(layout: string): Promise<void> {
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const add = async (bytes: Uint8Array, mediaType: string) => {
    await writeFile(join(layout, 'blobs/sha256', sha256(bytes).slice(7)), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const layers = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const files = new Map(Array.from({ length: FILES }, (_, i) => [`usr/lib/part-${layer}/${i % 40}/file-${i}`, content(layer * FILES + i)]));
    layers.push(await add(gzipSync(binaryTar(files)), 'application/vnd.oci.image.layer.v1.tar+gzip'));
  }
  const diffs = await Promise.all(layers.map(async ({ digest }) => sha256(gunzipSync(await readFile(join(layout, 'blobs/sha256', digest.slice(7)))))));
  const config = await add(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffs } })), 'application/vnd.oci.image.config.v1+json');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await add(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })), mediaType);
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'image' } }] }));
}
