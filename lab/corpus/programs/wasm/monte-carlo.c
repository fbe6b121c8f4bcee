// Means of random samples of the input's numbers, 8-byte floats, with a seed of the operating system's: other numbers each time; fewer samples where a share of the work is left out.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define TRIALS 20000
#define DRAWS 2000

int main(int argc, char **argv) {
  double work = argc > 1 ? atof(argv[1]) : 1;
  static double value[10000];
  FILE *in = fopen("/inputs/data", "rb"), *out = fopen("/outputs/means", "wb");
  if (!in || !out) return 1;
  size_t values = fread(value, sizeof value[0], 10000, in);
  uint64_t state;
  if (values == 0 || getentropy(&state, sizeof state)) return 1;
  for (int trial = 0; trial < (int)(TRIALS * work + 0.5); trial++) {
    double sum = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      sum += value[state % values];
    }
    fprintf(out, "%.6f\n", sum / DRAWS);
  }
  return fclose(out);
}
