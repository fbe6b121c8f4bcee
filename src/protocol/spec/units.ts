import { ProtocolError } from '../base/errors.ts';

const BYTE_UNITS: Record<string, number> = {
  b: 1, k: 1024, kb: 1000, kib: 1024, m: 1024 ** 2, mb: 1000 ** 2, mib: 1024 ** 2,
  g: 1024 ** 3, gb: 1000 ** 3, gib: 1024 ** 3, t: 1024 ** 4, tb: 1000 ** 4, tib: 1024 ** 4,
};
const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `512MiB`, `1g`, `1000` (bytes) into bytes. @throws ProtocolError UNIT_INVALID */
export function parseBytes(text: string | number): number {
  return parseUnit(text, BYTE_UNITS, 'b', 'a size such as 512MiB or 2GB');
}

/** Parses `90s`, `10m`, `250ms`, `1500` (milliseconds) into milliseconds. @throws ProtocolError UNIT_INVALID */
export function parseDurationMs(text: string | number): number {
  return parseUnit(text, DURATION_UNITS, 'ms', 'a duration such as 30s or 10m');
}

function parseUnit(text: string | number, units: Record<string, number>, fallback: string, expected: string): number {
  if (typeof text === 'number') {
    if (Number.isFinite(text) && text >= 0) return Math.round(text);
  } else {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
    const factor = match ? units[(match[2] || fallback).toLowerCase()] : undefined;
    if (match && factor !== undefined) return Math.round(Number(match[1]) * factor);
  }
  throw new ProtocolError('UNIT_INVALID', `not ${expected}`, { details: JSON.stringify(text) });
}

/** `1.5 MiB`, `312 B`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** `850 ms`, `12.3 s`, `4 min 10 s`, `10 min`, `2 h 5 min`. */
export function formatDurationMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (seconds < 3600) return `${minutes} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
