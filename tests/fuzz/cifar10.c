/* weft import cifar10. Input: which of two batches are there, and whether in gzip; the length of the first (3 bytes);
   what fills it, over and over. */
#include "fuzz.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

extern int LLVMFuzzerInitialize(int *argc, char ***argv);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 16 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  FuzzStart();
  mkdir("batches", 0700);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const names[] = {"batches/data_batch_1.bin", "batches/test_batch.bin",
                                      "batches/data_batch_3.bin.gz"};
  static uint8_t           bytes[MOST];
  size_t                   length;

  if (size < 5) return 0;
  length = ((size_t)data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16) % MOST;
  for (size_t i = 0; i < length; ++i) bytes[i] = data[4 + i % (size - 4)];
  for (int i = 0; i < 3; ++i) unlink(names[i]);
  if (data[0] & 1) FuzzWrite(names[0], bytes, length);
  if (data[0] & 2) FuzzWrite(names[1], data + 4, size - 4);
  if (data[0] & 4) FuzzWrite(names[2], data + 4, size - 4);
  if (data[0] & 8) {
    gzFile file = gzopen(names[2], "wb1");
    gzwrite(file, bytes, (unsigned)length);
    gzclose(file);
  }
  FuzzRun("import cifar10 -dir batches -o new.h5");
  return 0;
}
