import type { Random } from './random.ts';

/** Pixels in a row. */
export const IMAGE_WIDTH = 1024;
/** Bytes of a frame of a film: 256 by 192 pixels of three bytes. */
export const FRAME_BYTES = 256 * 192 * 3;

/** A binary PPM (netpbm): smooth colours with edges and grain. */
export function image(height: number, width: number, random: Random): Uint8Array {
  const header = Buffer.from(`P6\n${width} ${height}\n255\n`);
  const pixels = Buffer.alloc(3 * width * height);
  const waves = Array.from({ length: 9 }, () => (0.5 + random.uniform()) / 60);
  const wave = (axis: number, channel: number, length: number) => Float64Array.from({ length }, (_, i) => Math.sin(i * waves[axis + channel]!));
  const rows = [0, 1, 2].map((channel) => wave(0, channel, height));
  const columns = [0, 1, 2].map((channel) => wave(3, channel, width));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const edge = ((x >> 6) ^ (y >> 6)) % 3 === 0 ? 40 : 0;
      const grain = random.below(24);
      for (let channel = 0; channel < 3; channel++) pixels[at++] = 100 + edge + grain + 40 * rows[channel]![y]! * columns[channel]![x]!;
    }
  }
  return Buffer.concat([header, pixels]);
}

/** Raw frames of rgb24, without a header: a picture that drifts, with grain. */
export function film(frames: number, random: Random): Uint8Array {
  const still = image(192, 256, random).subarray(-FRAME_BYTES);
  const data = Buffer.alloc(frames * FRAME_BYTES);
  for (let frame = 0; frame < frames; frame++) {
    const at = frame * FRAME_BYTES;
    const drift = 3 * 256 * (frame % 192) + 3 * ((5 * frame) % 256);
    data.set(still.subarray(drift), at);
    data.set(still.subarray(0, drift), at + FRAME_BYTES - drift);
    for (let grain = 0; grain < 8000; grain++) data[at + random.below(FRAME_BYTES)]! ^= random.below(32);
  }
  return data;
}
