/* weft import idx. Input: what is there besides (bit 0: test files, 1: images in gzip, 2: labels in gzip), two bytes of
   length of the images' file, that file, and the labels' file. */
#include "fuzz.h"
#include <zlib.h>

extern int LLVMFuzzerInitialize(int *argc, char ***argv);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  FuzzStart();
  return 0;
}

static void Write(const char name[], const uint8_t data[], size_t size, int packed)
{
  gzFile file;

  FuzzWrite(name, data, packed ? 0 : size);
  if (!packed) return;
  file = gzopen(name, "wb1");
  gzwrite(file, data, (unsigned)size);
  gzclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t images;

  if (size < 3) return 0;
  images = (size_t)data[1] | (size_t)data[2] << 8;
  if (images > size - 3) images = size - 3;
  Write("images", data + 3, images, data[0] & 2);
  Write("labels", data + 3 + images, size - 3 - images, data[0] & 4);
  FuzzRun(data[0] & 1 ? "import idx -images images -labels labels -test-images images -test-labels labels -o new.h5"
                      : "import idx -images images -labels labels -o new.h5");
  return 0;
}
