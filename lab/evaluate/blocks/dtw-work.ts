import { workAxis } from '../../../src/evidence/fingerprint/fingerprint.ts';
import { dtw } from '../../baselines/dtw.ts';
import { definePlugin } from '../fingerprint-plugin.ts';
import { along, counterPath } from './counter-path.ts';

const POINTS = 64;
/** A twentieth of the work: what sampling may shift. */
const BAND = 3;

export const dtwWork = definePlugin({
  name: 'DTW on work',
  about: 'CPU, reading, writing, faults and memory at 64 points of work done, banded dynamic time warping (Sakoe and Chiba 1978)',
  kind: 'tried',
  of({ trace }) {
    const axis = workAxis(trace);
    return { length: POINTS + 1, channels: counterPath(trace).map((series) => along(axis, series, POINTS)) };
  },
  distance: (a, b) => dtw(a, b, BAND),
});
