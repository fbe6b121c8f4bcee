// Powers of a matrix of sums of the input's numbers, 8-byte floats in its byte order; fewer where a share of the work is left out.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define N 120
#define POWERS 300
static double a[N][N], b[N][N], c[N][N];

int main(int argc, char **argv) {
  double work = argc > 1 ? atof(argv[1]) : 1;
  FILE *in = fopen("/inputs/data", "rb"), *out = fopen("/outputs/powers", "wb");
  if (!in || !out) return 1;
  double value;
  for (size_t at = 0; fread(&value, sizeof value, 1, in) == 1; at++) a[at / N % N][at % N] += value;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) b[i][j] = i == j;
  for (int power = 0; power < (int)(POWERS * work + 0.5); power++) {
    double most = 0;
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double sum = 0;
        for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
        c[i][j] = sum;
        if (fabs(sum) > most) most = fabs(sum);
      }
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) b[i][j] = c[i][j] / most;
    fprintf(out, "%.12g\n", most);
  }
  fwrite(b, sizeof b, 1, out);
  return fclose(out);
}
