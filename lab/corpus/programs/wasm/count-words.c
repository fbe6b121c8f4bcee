// Counts the words of the input; later words are read and not counted where a share of the work is left out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (1 << 18)
static struct { char word[24]; unsigned count; } table[PLACES];

static int compare(const void *a, const void *b) { return strcmp(a, b); }

int main(int argc, char **argv) {
  double work = argc > 1 ? atof(argv[1]) : 1, bytes = argc > 2 ? atof(argv[2]) : 0;
  FILE *in = fopen("/inputs/data", "rb"), *out = fopen("/outputs/words", "wb");
  if (!in || !out) return 1;
  char word[24];
  size_t length = 0, at = 0;
  for (int c = fgetc(in); ; c = fgetc(in), at++) {
    if (c >= 'a' && c <= 'z' && length < sizeof word - 1) word[length++] = (char)c;
    else if (length) {
      word[length] = 0;
      unsigned hash = 2166136261u;
      for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)word[i]) * 16777619u;
      length = 0;
      if (at <= work * bytes) {
        unsigned place = hash & (PLACES - 1);
        while (table[place].count && strcmp(table[place].word, word)) place = (place + 1) & (PLACES - 1);
        strcpy(table[place].word, word);
        table[place].count++;
      }
    }
    if (c == EOF) break;
  }
  size_t words = 0;
  for (size_t i = 0; i < PLACES; i++) if (table[i].count) table[words++] = table[i];
  qsort(table, words, sizeof table[0], compare);
  for (size_t i = 0; i < words; i++) fprintf(out, "%s %u\n", table[i].word, table[i].count);
  return fclose(out);
}
