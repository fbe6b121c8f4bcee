import { compareFingerprints } from '../../../src/evidence/fingerprint/compare-fingerprints.ts';
import { fingerprintOf } from '../../../src/evidence/fingerprint/fingerprint.ts';
import type { ChannelName, Trace } from '../../../src/protocol/index.ts';
import { definePlugin, type FingerprintPlugin } from '../fingerprint-plugin.ts';

/** What an engine or a tool that is not ours may fail to see. */
const LACKS: readonly (readonly [name: string, about: string, lacks: readonly ChannelName[]])[] = [
  ['without CPU time', 'no CPU time, and with it no curve over work', ['cpuNs', 'cpuUserNs', 'cpuSystemNs']],
  ['without memory', 'no resident memory', ['residentBytes']],
  ['without faults', 'no page faults: an engine that maps memory before the start', ['minorFaults', 'majorFaults']],
  ['without I/O', 'no bytes and calls read and written: a kernel without task I/O accounting', ['readBytes', 'writtenBytes', 'readCalls', 'writeCalls']],
  ['CPU time and memory', 'what psrecord and its like see', ['readBytes', 'writtenBytes', 'readCalls', 'writeCalls', 'minorFaults', 'majorFaults', 'outputBytes', 'instructions']],
];

/** The full fingerprint of traces that lack some channels on both sides: what it loses by each. */
export const BLINDED: readonly FingerprintPlugin[] = LACKS.map(([name, about, lacks]) => definePlugin({
  name, about: `the full fingerprint with ${about}`, kind: 'blinded', deployed: 1,
  of: ({ trace, profile }) => fingerprintOf(without(trace, lacks), profile),
  distance: (a, b) => compareFingerprints(a, b).distance,
}));

function without(trace: Trace, lacks: readonly ChannelName[]): Trace {
  return { ...trace, channels: Object.fromEntries(Object.entries(trace.channels).filter(([name]) => !lacks.includes(name as ChannelName))) };
}
