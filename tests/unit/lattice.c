/* The inputs' lattice from their correlations: pictures of known places in a shuffled order.   ranks: 1 2 3 4 */
#include "wefttest.h"
#include <weft/lattice.h>
#include <weft/random.h>
#include <stdlib.h>

enum { ROWS = 11, COLS = 8, SAMPLES = 3000 };

/* Where input j lies: a fixed shuffle. */
static int Place(int j, int inputs)
{
  return (int)(((long)j * 7919 + 13) % inputs);
}

typedef void (*Draw)(WeftRandom *rng, int inputs, double sample[]);

/* A Markov random field by Gibbs sampling: given all others an input depends on its neighbours of the same colour and
   on the other colours at its place alone, so that these are the true bonds. */
static void DrawPicture(WeftRandom *rng, int inputs, double sample[])
{
  const int    channels = inputs / (ROWS * COLS), sweeps = 30;
  const double beside = channels == 1 ? 0.24 : 0.13, across = 0.2;
  double       field[ROWS + 2][COLS + 2][3] = {{{0}}};

  for (int t = 0; t < sweeps; ++t)
    for (int i = 0; i < inputs; ++i) {
      const int place = i / channels, r = place / COLS + 1, s = place % COLS + 1, c = i % channels;
      double    mean = beside * (field[r - 1][s][c] + field[r + 1][s][c] + field[r][s - 1][c] + field[r][s + 1][c]);
      for (int other = 0; other < channels; ++other) mean += other == c ? 0 : across * field[r][s][other];
      field[r][s][c] = mean + WeftRandomNormal(rng);
    }
  for (int i = 0; i < inputs; ++i) sample[i] = field[i / channels / COLS + 1][i / channels % COLS + 1][i % channels];
}

static void DrawNoise(WeftRandom *rng, int inputs, double sample[])
{
  for (int i = 0; i < inputs; ++i) sample[i] = WeftRandomNormal(rng);
}

static void DrawChain(WeftRandom *rng, int inputs, double sample[])
{
  double noise[4096];

  for (int i = 0; i <= inputs; ++i) noise[i] = WeftRandomNormal(rng);
  for (int i = 0; i < inputs; ++i) sample[i] = noise[i] + noise[i + 1];
}

/* This rank's samples, input j holding place Place(j), and one input more that never varies. */
static void Find(Draw draw, int inputs, WeftLattice *lattice)
{
  int        rank, size;
  WeftBlock  x;
  WeftRandom rng;
  double     sample[4096];
  long       row0, end;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  row0 = (long)SAMPLES * rank / size;
  end = (long)SAMPLES * (rank + 1) / size;
  Ok(WeftBlockCreate((size_t)(end - row0), (size_t)inputs + 1, WEFT_SINGLE, &x));
  for (long i = row0; i < end; ++i) {
    WeftRandomInit(&rng, 3, WEFT_STREAM_TEST, (uint64_t)i);
    draw(&rng, inputs, sample);
    for (int j = 0; j < inputs; ++j) WeftBlockSet(&x, (size_t)(i - row0), (size_t)j, sample[Place(j, inputs)]);
    WeftBlockSet(&x, (size_t)(i - row0), (size_t)inputs, 5);
  }
  Ok(WeftLatticeFind(PETSC_COMM_WORLD, &x, lattice));
  Ok(WeftBlockDestroy(&x));
}

/* Inputs whose place agrees with the truth under one of the eight symmetries; each channel must be one colour. */
static int Right(const WeftLattice *l, int inputs, int channels)
{
  int best = 0;

  for (int way = 0; way < 8; ++way) {
    int right = 0;
    for (int j = 0; j < inputs; ++j) {
      const int place = Place(j, inputs) / channels;
      const int r = way & 1 ? ROWS - 1 - place / COLS : place / COLS,
                c = way & 2 ? COLS - 1 - place % COLS : place % COLS;
      right += way & 4 ? l->row[j] == c && l->col[j] == r : l->row[j] == r && l->col[j] == c;
    }
    best = right > best ? right : best;
  }
  return best;
}

static void Pictures(int channels)
{
  const int   inputs = ROWS * COLS * channels;
  WeftLattice l;
  int         colour[4] = {-1, -1, -1, -1};

  Find(DrawPicture, inputs, &l);
  assert_int_equal(l.channels, channels);
  assert_int_equal(l.placed, inputs);
  assert_int_equal(l.rows + l.cols, ROWS + COLS);
  assert_int_equal(Right(&l, inputs, channels), inputs);
  assert_true(l.score >= WEFT_LATTICE_SCORE && l.score <= 1);
  assert_int_equal(l.row[inputs], -1);
  assert_int_equal(l.channel[inputs], -1);
  for (int j = 0; j < inputs; ++j) {
    const int true_colour = Place(j, inputs) % channels;
    assert_in_range(l.channel[j], 0, channels - 1);
    if (colour[l.channel[j]] < 0) colour[l.channel[j]] = true_colour;
    assert_int_equal(colour[l.channel[j]], true_colour);
  }
  Ok(WeftLatticeDestroy(&l));
}

static void FindsAPicturesGrid(void **state)
{
  (void)state;
  Pictures(1);
}

static void FindsColoursAtOnePlace(void **state)
{
  (void)state;
  Pictures(3);
}

static void TellsWhereThereIsNone(void **state)
{
  const Draw  draws[] = {DrawNoise, DrawChain};
  WeftLattice l;

  (void)state;
  for (int i = 0; i < 2; ++i) {
    Find(draws[i], ROWS * COLS, &l);
    assert_true(l.score < 0.7);
    Ok(WeftLatticeDestroy(&l));
  }
}

static void TooFewInputsAreNoLattice(void **state)
{
  WeftLattice l;
  float       C[64] = {0};

  (void)state;
  for (int i = 0; i < 8; ++i) C[9 * i] = 1;
  Ok(WeftLatticeFromCorrelation(PETSC_COMM_WORLD, 8, C, &l));
  assert_int_equal(l.placed, 0);
  assert_true(l.score <= 0);
  Ok(WeftLatticeDestroy(&l));
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(FindsAPicturesGrid), cmocka_unit_test(FindsColoursAtOnePlace),
  cmocka_unit_test(TellsWhereThereIsNone), cmocka_unit_test(TooFewInputsAreNoLattice)};
WEFT_TEST_MAIN(tests)
