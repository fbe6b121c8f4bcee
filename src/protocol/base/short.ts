/** A hash or an address as people read it: `0x1234…cdef`. */
export function short(text: string): string {
  return text.length <= 12 ? text : `${text.slice(0, 6)}…${text.slice(-4)}`;
}
