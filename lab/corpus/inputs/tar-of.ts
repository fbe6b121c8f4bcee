const BLOCK = 512;

/** A ustar archive (POSIX 1003.1) of plain files with nothing in it that depends on where or when it was made. */
export function tarOf(files: { name: string; data: Uint8Array }[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { name, data } of files) {
    const header = Buffer.alloc(BLOCK);
    const field = (text: string, at: number) => header.write(text, at, 'latin1');
    field(name, 0);
    field('0000644\0', 100);
    field('0000000\0', 108);
    field('0000000\0', 116);
    field(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    field('00000000000\0', 136);
    field('        ', 148);
    field('0', 156);
    field('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    field(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    parts.push(header, data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
