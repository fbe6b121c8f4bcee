import { compareFingerprints } from '../../../src/evidence/fingerprint/compare-fingerprints.ts';
import { definePlugin } from '../fingerprint-plugin.ts';
import { submissionFingerprint } from './submission-fingerprint.ts';

export const full = definePlugin({
  name: 'full',
  about: 'the fingerprint as a client compares it: the worst block over its tolerance (docs/evidence.md)',
  kind: 'fingerprint',
  deployed: 1,
  of: submissionFingerprint,
  distance: (a, b) => compareFingerprints(a, b).distance,
});

export const fullStrict = definePlugin({
  name: 'full, strict',
  about: 'the same by the strict tolerances, the output\'s content included: for programs that repeat themselves',
  kind: 'fingerprint',
  deployed: 1,
  of: submissionFingerprint,
  distance: (a, b) => compareFingerprints(a, b).strict,
});
