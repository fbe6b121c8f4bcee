import type { Attack } from './attack.ts';
import { burntCpu } from './burnt-cpu.ts';
import { compressed } from './compressed.ts';
import { copyJittered } from './copy-jittered.ts';
import { copyResampled } from './copy-resampled.ts';
import { copySmoothed } from './copy-smoothed.ts';
import { flat } from './flat.ts';
import { halfInputExtrapolated } from './half-input-extrapolated.ts';
import { halfInput } from './half-input.ts';
import { halfWork } from './half-work.ts';
import { hardlySampled } from './hardly-sampled.ts';
import { idle } from './idle.ts';
import { jobModel } from './job-model.ts';
import { madeUpOutput } from './made-up-output.ts';
import { mostInputExtrapolated } from './most-input-extrapolated.ts';
import { mostInput } from './most-input.ts';
import { mostWork } from './most-work.ts';
import { nearlyAllInputExtrapolated } from './nearly-all-input-extrapolated.ts';
import { nearlyAllInput } from './nearly-all-input.ts';
import { noise } from './noise.ts';
import { otherInput } from './other-input.ts';
import { otherProgramRightResult } from './other-program-right-result.ts';
import { otherProgram } from './other-program.ts';
import { programModel } from './program-model.ts';
import { replayJittered } from './replay-jittered.ts';
import { replay } from './replay.ts';
import { reversed } from './reversed.ts';
import { stretched } from './stretched.ts';
import { tamperedOutput } from './tampered-output.ts';
import { wrongOutput } from './wrong-output.ts';

/** All cheats, in the order of the report: from the laziest to those that have a true trace in hand. */
export const ATTACKS: readonly Attack[] = [
  idle, flat, hardlySampled, noise, burntCpu, otherProgram, otherProgramRightResult,
  halfInput, mostInput, nearlyAllInput, halfInputExtrapolated, mostInputExtrapolated, nearlyAllInputExtrapolated, halfWork, mostWork,
  otherInput, wrongOutput, madeUpOutput, tamperedOutput, reversed,
  programModel, jobModel,
  stretched, compressed, replay, replayJittered, copyJittered, copyResampled, copySmoothed,
];
