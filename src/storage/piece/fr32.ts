/**
 * Fr32: 254 bits of data and two zero bits to every 32 bytes, so that each fits the BLS12-381 scalar field (Filecoin specification,
 * "Data Transformation"). Bits are counted from the least significant of each byte. 127 bytes become 128.
 */
export const UNPADDED_UNIT_BYTES = 127;
export const PADDED_UNIT_BYTES = 128;

/** Pads whole units of 127 bytes. */
export function fr32Pad(data: Uint8Array, out: Uint8Array = new Uint8Array((data.length / UNPADDED_UNIT_BYTES) * PADDED_UNIT_BYTES)): Uint8Array {
  for (let from = 0, to = 0; from < data.length; from += UNPADDED_UNIT_BYTES, to += PADDED_UNIT_BYTES) {
    for (let i = 0; i < 31; i++) out[to + i] = data[from + i]!;
    out[to + 31] = data[from + 31]! & 0x3f;
    for (let element = 1; element < 4; element++) {
      // Element k starts at bit 254 k: two bits earlier in its byte than the one before.
      const shift = 8 - 2 * element;
      const first = from + 32 * element - 1;
      const at = to + 32 * element;
      for (let i = 0; i < 31; i++) out[at + i] = (data[first + i]! >> shift) | (data[first + i + 1]! << (8 - shift));
      out[at + 31] = element === 3 ? data[first + 31]! >> shift : ((data[first + 31]! >> shift) | (data[first + 32]! << (8 - shift))) & 0x3f;
    }
  }
  return out;
}

/** Takes the padding out of whole units of 128 bytes. */
export function fr32Unpad(padded: Uint8Array, out: Uint8Array = new Uint8Array((padded.length / PADDED_UNIT_BYTES) * UNPADDED_UNIT_BYTES)): Uint8Array {
  for (let from = 0, to = 0; from < padded.length; from += PADDED_UNIT_BYTES, to += UNPADDED_UNIT_BYTES) {
    for (let i = 0; i < 32; i++) out[to + i] = padded[from + i]!;
    for (let element = 1; element < 4; element++) {
      const shift = 8 - 2 * element;
      const at = from + 32 * element;
      const first = to + 32 * element - 1;
      // The last byte so far has `shift` bits; this element's first bits fill it up.
      out[first] = (out[first]! & ((1 << shift) - 1)) | (padded[at]! << shift);
      for (let i = 0; i < 31; i++) out[first + 1 + i] = (padded[at + i]! >> (8 - shift)) | (padded[at + i + 1]! << shift);
      if (element < 3) out[first + 32] = padded[at + 31]! >> (8 - shift);
    }
  }
  return out;
}
