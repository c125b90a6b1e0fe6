/* Synthetic pictures: the file holds the same ones at any rank count, with the statistics of natural images.
   ranks: 1 3 */
#include "wefttest.h"
#include <weft/synth.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 28, D = SIZE * SIZE, N = 1500 };

/* What a file holds is what WeftSynthDraw() gives for each index (every stride-th is tried), whoever drew it. */
static void check_file(const char path[], WeftSynth synth, PetscInt64 stride)
{
  const size_t d = (size_t)synth.size * (size_t)synth.size * (size_t)synth.channels;
  WeftDataInfo written;
  WeftData     data;
  uint8_t     *picture = malloc(d);
  int32_t      label, stored;
  WeftBlock    x;

  Ok(WeftSynthWrite(PETSC_COMM_WORLD, &synth, path, &written));
  Ok(WeftDataOpen(PETSC_COMM_WORLD, "-data", path, &data));
  assert_memory_equal(&written, WeftDataGetInfo(data), sizeof(written));
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split)
    for (PetscInt64 i = 0; i < synth.samples[split]; i += stride) {
      Ok(WeftSynthDraw(&synth, (WeftSplit)split, i, picture, &label));
      Ok(WeftDataReadRows(data, (WeftSplit)split, i, 1, WEFT_SINGLE, &x));
      Ok(WeftDataReadLabels(data, (WeftSplit)split, i, 1, &stored));
      assert_int_equal(label, stored);
      for (size_t j = 0; j < d; ++j)
        if (x.values.s[j] != (float)(picture[j] / 255.0)) fail_msg("picture %d, number %zu", (int)i, j);
      Ok(WeftBlockDestroy(&x));
    }
  Ok(WeftDataClose(&data));
  free(picture);
}

static void test_file(void **state)
{
  char folder[] = "/tmp/weft-synth-XXXXXX", path[64];
  int  rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) assert_non_null(mkdtemp(folder));
  MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, MPI_COMM_WORLD);
  snprintf(path, sizeof(path), "%s/a.h5", folder);
  check_file(path, (WeftSynth){.samples = {100, 41}, .size = 12, .channels = 1, .seed = 3}, 1);
  if (!rank) unlink(path);
  MPI_Barrier(MPI_COMM_WORLD);
  /* More than three ranks write in one piece; one test picture leaves ranks without any. */
  check_file(path, (WeftSynth){.samples = {34, 1}, .size = 512, .channels = 3, .seed = 3}, 3);
  if (!rank) unlink(path);
  if (!rank) rmdir(folder);
}

/* The pictures that most tests look at. */
static uint8_t *pixels;
static int32_t  labels[N];

static uint8_t *DrawMany(uint64_t seed, WeftSplit split, int32_t classes[])
{
  const WeftSynth synth = {.size = SIZE, .channels = 1, .seed = seed};
  uint8_t        *many = malloc((size_t)N * D);

  for (int i = 0; i < N; ++i) Ok(WeftSynthDraw(&synth, split, i, many + (size_t)i * D, &classes[i]));
  return many;
}

static void test_keys(void **state)
{
  int32_t  other[N];
  uint8_t *a = pixels = DrawMany(1, WEFT_TRAIN, labels), *b = DrawMany(1, WEFT_TEST, other),
          *c = DrawMany(2, WEFT_TRAIN, other);

  (void)state;
  for (size_t i = 0; i < N; ++i) {
    assert_true(memcmp(a + i * D, b + i * D, D) && memcmp(a + i * D, c + i * D, D));
    if (i) assert_true(memcmp(a + i * D, a + (i - 1) * D, D));
  }
  free(b);
  free(c);
}

static void test_classes(void **state)
{
  int    count[WEFT_SYNTH_CLASSES] = {0};
  double chi_square = 0;

  (void)state;
  for (int i = 0; i < N; ++i) ++count[labels[i]];
  for (int c = 0; c < WEFT_SYNTH_CLASSES; ++c) {
    const double expected = (double)N / WEFT_SYNTH_CLASSES;
    chi_square += (count[c] - expected) * (count[c] - expected) / expected;
    for (int other = 0; other < c; ++other) assert_string_not_equal(WeftSynthClass(c), WeftSynthClass(other));
  }
  assert_true(chi_square < 27.9); /* 0.1 % of even draws pass it, at 9 degrees of freedom */
}

/* Correlation of pixels at a distance along rows (step 1) or columns (step SIZE). */
static double Correlation(int distance, size_t step)
{
  const int    across = step == 1 ? SIZE - distance : SIZE, down = step == 1 ? SIZE : SIZE - distance;
  double       sum = 0, mean = 0, variance = 0;
  const size_t total = (size_t)N * D;

  for (size_t i = 0; i < total; ++i) mean += pixels[i] / (double)total;
  for (size_t i = 0; i < total; ++i) variance += (pixels[i] - mean) * (pixels[i] - mean) / (double)total;
  for (size_t i = 0; i < N; ++i)
    for (int row = 0; row < down; ++row)
      for (int col = 0; col < across; ++col) {
        const uint8_t *p = pixels + i * D + row * SIZE + col;
        sum += (p[0] - mean) * (p[step * (size_t)distance] - mean);
      }
  return sum / ((double)N * across * down * variance);
}

static void test_correlation_falls(void **state)
{
  const size_t steps[] = {1, SIZE};

  (void)state;
  for (int s = 0; s < 2; ++s) {
    double nearer = Correlation(1, steps[s]);

    assert_true(nearer > 0.8 && nearer < 0.9);
    for (int distance = 2; distance <= 16; distance *= 2) {
      const double correlation = Correlation(distance, steps[s]);
      assert_true(correlation < 0.9 * nearer && correlation > 0);
      nearer = correlation;
    }
  }
}

/* Power at f cycles a picture along the rows, under a Hann window. */
static double Power(int f)
{
  double power = 0;

  for (size_t line = 0; line < (size_t)N * SIZE; ++line) {
    double re = 0, im = 0;

    for (size_t j = 0; j < SIZE; ++j) {
      const double phase = 2 * M_PI * ((double)j + 0.5) / SIZE,
                   v = (0.5 - 0.5 * cos(phase)) * (pixels[line * SIZE + j] - 127.5);
      re += v * cos(f * phase);
      im += v * sin(f * phase);
    }
    power += re * re + im * im;
  }
  return power;
}

/* Natural images: power ~ f^-2 and thereabouts, along a line f^-1 or steeper; noise would be flat. */
static void test_spectrum_falls(void **state)
{
  double last = Power(2), first = last;

  (void)state;
  for (int f = 3; f <= 12; f += 3) {
    const double power = Power(f);
    assert_true(power < last);
    last = power;
  }
  assert_true(log(first / last) / log(6) > 1 && log(first / last) / log(6) < 3);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), cmocka_unit_test(test_keys),
                                          cmocka_unit_test(test_classes), cmocka_unit_test(test_correlation_falls),
                                          cmocka_unit_test(test_spectrum_falls)};
WEFT_TEST_MAIN(tests)
