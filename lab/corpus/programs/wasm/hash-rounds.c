// Hashes the input again and again, FNV-1a of 64 bits in eight lanes, each round begun by the one before; fewer rounds where a share of the work is left out.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 120

int main(int argc, char **argv) {
  double work = argc > 1 ? atof(argv[1]) : 1;
  uint64_t lane[8];
  for (int i = 0; i < 8; i++) lane[i] = 14695981039346656037ull + (uint64_t)i;
  FILE *out = fopen("/outputs/hashes", "wb");
  if (!out) return 1;
  static unsigned char block[1 << 16];
  for (int round = 0; round < (int)(ROUNDS * work + 0.5); round++) {
    FILE *in = fopen("/inputs/data", "rb");
    if (!in) return 1;
    size_t got;
    while ((got = fread(block, 1, sizeof block, in)) > 0)
      for (size_t i = 0; i < got; i++) lane[i & 7] = (lane[i & 7] ^ block[i]) * 1099511628211ull;
    fclose(in);
    for (int i = 0; i < 8; i++) fprintf(out, "%016llx%c", (unsigned long long)lane[i], i < 7 ? ' ' : '\n');
  }
  return fclose(out);
}
