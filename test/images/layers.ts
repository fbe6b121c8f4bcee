import { createHash } from 'node:crypto';

export interface Entry { name: string; type?: string; content?: string; link?: string; mode?: number; size?: number }

/** A tar as a stranger might write it: ustar headers with whatever they please (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html). */
export function tarOf(entries: Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, type = '0', content = '', link = '', mode = 0o644, size = Buffer.byteLength(content) } of entries) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    for (const [value, at, width] of [[mode, 100, 8], [0, 108, 8], [0, 116, 8], [size, 124, 12], [0, 136, 12]] as const) {
      header.write(value.toString(8).padStart(width - 1, '0'), at);
    }
    header.write('        ', 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    header.write('0000001', 329);
    header.write('0000003', 337);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    blocks.push(header, body);
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An image's blobs by digest, and the digest of its manifest. */
export function imageOf(layers: Uint8Array[], mediaType = 'application/vnd.oci.image.layer.v1.tar'): { blobs: Map<string, Uint8Array>; manifest: string } {
  const blobs = new Map<string, Uint8Array>();
  const add = (bytes: Uint8Array) => {
    blobs.set(sha256(bytes), bytes);
    return { digest: sha256(bytes), size: bytes.length };
  };
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...add(Buffer.from('{"architecture":"amd64","os":"linux"}')) };
  const document = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: layers.map((layer) => ({ mediaType, ...add(layer) })) };
  return { blobs, manifest: add(Buffer.from(JSON.stringify(document))).digest };
}

/** An archive of an OCI layout with one image. */
export function layoutOf(layers: Uint8Array[], change: (entries: Map<string, string | Uint8Array>) => void = () => {}): Buffer {
  const { blobs, manifest } = imageOf(layers);
  const files = new Map<string, string | Uint8Array>([
    ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests: [{ digest: manifest, size: blobs.get(manifest)!.length }] })],
  ]);
  for (const [digest, bytes] of blobs) files.set(`blobs/${digest.replace(':', '/')}`, bytes);
  change(files);
  return binaryTar(files);
}

/** A tar of files with any bytes. */
export function binaryTar(files: Map<string, string | Uint8Array>): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, content] of files) {
    const bytes = Buffer.from(content as Uint8Array);
    const header = tarOf([{ name, size: bytes.length }]).subarray(0, 512);
    blocks.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
