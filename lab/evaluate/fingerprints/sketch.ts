import { SKETCH_THRESHOLD } from '../../../src/evidence/constants.ts';
import { sketchDistance } from '../../../src/evidence/fingerprint/sketch-distance.ts';
import { definePlugin } from '../fingerprint-plugin.ts';
import { submissionSketch } from './submission-fingerprint.ts';

export const sketch = definePlugin({
  name: 'sketch',
  about: 'the form of at most 256 bytes that the contract compares (SketchLib.sol)',
  kind: 'fingerprint',
  deployed: SKETCH_THRESHOLD,
  of: submissionSketch,
  distance: (a, b) => sketchDistance(a, b).distance,
});

export const sketchStrict = definePlugin({
  name: 'sketch, strict',
  about: 'the same by the strict tolerances, the output\'s content included',
  kind: 'fingerprint',
  deployed: SKETCH_THRESHOLD,
  of: submissionSketch,
  distance: (a, b) => sketchDistance(a, b).strict,
});
