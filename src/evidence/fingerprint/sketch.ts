import { BLOCKS, FEATURES, SKETCH_ABSENT, SKETCH_BYTES, SKETCH_SCALE, SKETCH_VERSION } from '../constants.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * The fixed-size form of a fingerprint that the contract can compare: a version byte, then every feature as a big-endian uint16
 * in steps of its block's unit (SKETCH_SCALE), clamped to 0..0xFFFE; 0xFFFF where it is absent. Then the lowest bit of each minimum of the
 * content, or zeros (b-bit minwise hashing: Li and König, 2010).
 */
export function sketchOf(fingerprint: Fingerprint): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES);
  const view = new DataView(sketch.buffer);
  sketch[0] = SKETCH_VERSION;
  let at = 0;
  for (const { count, unit } of BLOCKS) {
    for (const end = at + count; at < end; at++) {
      const value = fingerprint.features[at]!;
      const steps = Number.isNaN(value) ? SKETCH_ABSENT : Math.min(Math.max(Math.round(value * SKETCH_SCALE[unit]), 0), SKETCH_ABSENT - 1);
      view.setUint16(1 + 2 * at, steps);
    }
  }
  fingerprint.content?.forEach((minimum, bin) => { sketch[1 + 2 * FEATURES + (bin >> 3)]! |= (minimum & 1) << (bin & 7); });
  return sketch;
}
