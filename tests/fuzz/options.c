/* The reader of options. Input: which verb, and how the rest is given: as words, one a line, or as an options file. The
   verbs check and do no work. */
#include "fuzz.h"
#include <string.h>

extern int LLVMFuzzerInitialize(int *argc, char ***argv);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 4096 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  FuzzStart();
  FuzzRun("synth -o data.h5 -samples 40 -test_samples 10 -size 8");
  return 0;
}

/* All stays in this folder, and nothing starts another program. */
static void Tame(char text[])
{
  for (char *c = text; *c; ++c)
    if (*c == '/' || *c == '|') *c = '_';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const verbs[] = {"learn", "encode", "train", "info"};
  static char              text[MOST + 1], words[5][16];
  char                    *argv[80];
  int                      argc = 0;

  if (size < 2 || size > MOST) return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  strcpy(words[0], "weft");
  strcpy(words[1], verbs[data[0] & 3]);
  strcpy(words[2], "-check");
  strcpy(words[3], "-options_file");
  strcpy(words[4], "options.yaml");
  argv[argc++] = words[0];
  argv[argc++] = words[1];
  if ((data[0] & 3) != 3) argv[argc++] = words[2];
  if (data[0] & 4) {
    FuzzWrite(words[4], data + 1, size - 1);
    argv[argc++] = words[3];
    argv[argc++] = words[4];
  } else {
    Tame(text);
    for (char *save, *word = strtok_r(text, "\n", &save); word && argc < 79; word = strtok_r(NULL, "\n", &save))
      argv[argc++] = word;
  }
  argv[argc] = NULL;
  FuzzRunList(argc, argv);
  return 0;
}
