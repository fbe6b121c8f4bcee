/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const K = Int32Array.from({ length: 64 }, (_, i) => fraction(Math.cbrt, prime(i)));
/** The same of the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
const H = Int32Array.from({ length: 8 }, (_, i) => fraction(Math.sqrt, prime(i)));
/** The second block of a message of 64 bytes is the same for all: a one bit, zeros and the length. Its schedule is worked out once. */
const PADDING = expand(Int32Array.from({ length: 64 }, (_, i) => (i === 0 ? 0x8000_0000 : i === 15 ? 512 : 0)));

const schedule = new Int32Array(64);
const state = new Int32Array(8);

/**
 * Hashes each pair of nodes of 32 bytes into one, with the two most significant bits of the last byte cleared, as the piece commitment
 * wants it; in place, from `nodes` to its first half. SHA-256 by hand because a call into the crypto library costs more than the hash
 * of 64 bytes.
 */
export function sha256Pairs(nodes: Uint8Array, bytes: number = nodes.length): void {
  const view = new DataView(nodes.buffer, nodes.byteOffset, nodes.length);
  for (let from = 0, to = 0; from < bytes; from += 64, to += 32) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getInt32(from + 4 * i);
    expand(schedule);
    state.set(H);
    compress(schedule);
    compress(PADDING);
    for (let i = 0; i < 8; i++) view.setInt32(to + 4 * i, state[i]!);
    nodes[to + 31]! &= 0x3f;
  }
}

function expand(w: Int32Array): Int32Array {
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15]!;
    const b = w[i - 2]!;
    const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
    const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
  }
  return w;
}

function compress(w: Int32Array): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!, e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0]! += a; state[1]! += b; state[2]! += c; state[3]! += d; state[4]! += e; state[5]! += f; state[6]! += g; state[7]! += h;
}

function fraction(root: (n: number) => number, n: number): number {
  return ((root(n) % 1) * 2 ** 32) | 0;
}

function prime(index: number): number {
  let found = -1;
  for (let n = 2; ; n++) {
    let divisor = 2;
    while (n % divisor !== 0) divisor++;
    if (divisor === n && ++found === index) return n;
  }
}
