import { definePlugin } from '../evaluate/fingerprint-plugin.ts';
import { cpuOf } from './cpu-of.ts';
import { curvesOver, DTW_BAND } from './curves-over.ts';
import { dtw } from './dtw.ts';

export const dtwCpuTime = definePlugin({
  name: 'DTW on CPU time',
  about: 'memory and reading rate at 64 points of CPU time, banded dynamic time warping (Sakoe and Chiba 1978)',
  kind: 'baseline',
  of: ({ trace }) => curvesOver(trace, cpuOf(trace) ?? trace.t, trace.channels.readBytes),
  distance: (a, b) => dtw(a, b, DTW_BAND),
});
