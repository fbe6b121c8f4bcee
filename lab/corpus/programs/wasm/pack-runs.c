// A small LZ77 packer with a hash of three bytes and chains of eight; the rest goes out as it is where a share of the work is left out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASHES (1 << 15)
#define CHAIN 8
static int head[HASHES];

int main(int argc, char **argv) {
  double work = argc > 1 ? atof(argv[1]) : 1;
  FILE *in = fopen("/inputs/data", "rb"), *out = fopen("/outputs/packed", "wb");
  if (!in || !out) return 1;
  fseek(in, 0, SEEK_END);
  int size = (int)ftell(in);
  rewind(in);
  unsigned char *text = malloc((size_t)size + 3);
  int *next = malloc(((size_t)size + 1) * sizeof *next);
  if (fread(text, 1, (size_t)size, in) != (size_t)size) return 1;
  memset(head, -1, sizeof head);
  int end = (int)(size * work), at = 0;
  while (at < end) {
    int best = 0, from = 0;
    if (at + 3 < size) {
      unsigned hash = ((unsigned)text[at] << 16 | (unsigned)text[at + 1] << 8 | text[at + 2]) * 2654435761u >> 17;
      int chain = 0;
      for (int back = head[hash]; back >= 0 && at - back < 65536 && chain < CHAIN; back = next[back], chain++) {
        int length = 0;
        while (length < 255 && at + length < end && text[back + length] == text[at + length]) length++;
        if (length > best) best = length, from = at - back;
      }
      next[at] = head[hash];
      head[hash] = at;
    }
    if (best >= 4) {
      fputc(best, out), fputc(from & 255, out), fputc(from >> 8, out);
      at += best;
    } else fputc(0, out), fputc(text[at++], out);
  }
  fwrite(text + end, 1, (size_t)(size - end), out);
  return fclose(out);
}
