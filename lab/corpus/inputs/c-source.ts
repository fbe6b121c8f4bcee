import type { Random } from './random.ts';

/** Length of one function of a generated source. */
export const FUNCTION_BYTES = 280;

/** A C program, or with a name one of its parts: functions of arithmetic and loops, and one that calls them all. */
export function cSource(functions: number, random: Random, part = ''): string {
  const body = Array.from({ length: functions }, (_, i) => {
    const constant = () => String(1000 + random.below(9000));
    const operator = () => random.pick(['+', '^', '*', '-', '|']);
    const text = `static unsigned f${i}(unsigned x, unsigned n) {\n  unsigned a = x ${operator()} ${constant()}u, b = ${constant()}u, i;\n`
      + `  for (i = 0; i < n % 16u + 1u; i++) { a = (a ${operator()} b) + ${constant()}u; if (a & 1u) b = b * ${constant()}u + i; else b ^= a >> ${1 + random.below(9)}; }\n`
      + `  switch (b % 4u) { case 0: return a; case 1: return a ${operator()} b; default: return b - ${constant()}u; }\n}\n`;
    return text;
  });
  const calls = Array.from({ length: functions }, (_, i) => `  h = h * 31u + f${i}(h, ${i}u);\n`).join('');
  const main = part === '' ? `int main(void) {\n  unsigned h = 7u;\n${calls}  printf("%u\\n", h);\n  return 0;\n}\n` : `unsigned ${part}(unsigned h) {\n${calls}  return h;\n}\n`;
  return `#include <stdio.h>\n${body.join('')}${main}`;
}
