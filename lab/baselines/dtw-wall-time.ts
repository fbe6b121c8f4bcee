import { definePlugin } from '../evaluate/fingerprint-plugin.ts';
import { cpuOf } from './cpu-of.ts';
import { curvesOver, DTW_BAND } from './curves-over.ts';
import { dtw } from './dtw.ts';

export const dtwWallTime = definePlugin({
  name: 'DTW on wall time',
  about: 'memory and CPU rate at 64 points of wall time, banded dynamic time warping (Sakoe and Chiba 1978)',
  kind: 'baseline',
  of: ({ trace }) => curvesOver(trace, trace.t, cpuOf(trace)),
  distance: (a, b) => dtw(a, b, DTW_BAND),
});
