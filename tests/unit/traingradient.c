/* Back-propagation against finite differences, for each kind of layer, and against itself on one rank.
   ranks: 1 2 3 4 */
#include "wefttest.h"
#include "smallnet.h"
#include <string.h>

enum { N = 37 };

static const SmallNet nets[] = {
  {.name = "linear"},
  {.name = "hidden", .hidden = 2, .dropout = 0.3},
  {.name = "pooled", .layers = 1},
  {.name = "threshold", .layers = 1, .threshold = 0.7},
  {.name = "singles", .layers = 1, .hidden = 1, .single = PETSC_TRUE},
  {.name = "dense", .layers = 1, .hidden = 1, .single = PETSC_TRUE, .dense = PETSC_TRUE},
  {.name = "tied", .layers = 1, .hidden = 1, .single = PETSC_TRUE, .tied = PETSC_TRUE},
  {.name = "pools", .layers = 1, .hidden = 1, .single = PETSC_TRUE, .pools = PETSC_TRUE},
  {.name = "unpooled", .layers = 1, .pools = PETSC_TRUE},
  {.name = "channels", .layers = 1, .hidden = 1, .single = PETSC_TRUE, .channels = PETSC_TRUE},
  {.name = "two layers", .layers = 2, .hidden = 1, .single = PETSC_TRUE, .dropout = 0.3},
  {.name = "last of three", .layers = 3, .hidden = 1, .from_last = PETSC_TRUE},
  {.name = "all",
   .layers = 2,
   .hidden = 2,
   .single = PETSC_TRUE,
   .from_last = PETSC_TRUE,
   .tied = PETSC_TRUE,
   .pools = PETSC_TRUE,
   .channels = PETSC_TRUE,
   .threshold = 0.1,
   .dropout = 0.3},
};
enum { NETS = sizeof(nets) / sizeof(nets[0]) };

/* A network with the samples that this rank of the communicator has. */
typedef struct {
  MPI_Comm         comm;
  WeftNetwork      net;
  WeftSamples      samples;
  WeftPass         pass;
  WeftPassTraining training;
  uint32_t         keys[N];
} Case;

static void Begin(MPI_Comm comm, const SmallNet *what, Case *c)
{
  int rank, size;

  c->comm = comm;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  Ok(SmallNetCreate(what, WEFT_DOUBLE, &c->net));
  Ok(SmallNetSamples(&c->net, N, rank, size, &c->samples));
  Ok(WeftPassCreate(comm, &c->net, c->samples.x.rows, &c->pass));
  for (size_t i = 0; i < c->samples.x.rows; ++i) c->keys[i] = (uint32_t)(c->samples.row0 + (PetscInt64)i) * 2654435761U;
  c->training = (WeftPassTraining){what->dropout, what->dropout, c->keys, 0.1};
}

static void End(Case *c)
{
  Ok(WeftPassDestroy(&c->pass));
  Ok(SmallNetSamplesDestroy(&c->samples));
  Ok(WeftNetworkDestroy(&c->net));
}

/* The loss over all ranks, and the gradient of it where wanted. */
static double Loss(Case *c, WeftBlock *gradient)
{
  WeftScore score = {0};

  Ok(WeftPassLoad(c->pass, &c->samples.x, c->samples.x.rows, NULL));
  Ok(WeftPassForwardTraining(c->pass, &c->training));
  Ok(WeftPassLoss(c->pass, c->samples.labels, 0.1, &score));
  if (gradient) {
    Ok(WeftPassBackward(c->pass, &c->training, gradient));
    MPI_Allreduce(MPI_IN_PLACE, gradient->values.d, (int)gradient->cols, MPI_DOUBLE, MPI_SUM, c->comm);
  }
  MPI_Allreduce(MPI_IN_PLACE, &score.loss, 1, MPI_DOUBLE, MPI_SUM, c->comm);
  return score.loss;
}

static double Slope(Case *c, size_t i)
{
  const double step = 1e-5, w = c->net.parameters.values.d[i];
  double       up, down;

  c->net.parameters.values.d[i] = w + step;
  up = Loss(c, NULL);
  c->net.parameters.values.d[i] = w - step;
  down = Loss(c, NULL);
  c->net.parameters.values.d[i] = w;
  return (up - down) / (2 * step);
}

static void CheckPart(Case *c, const char name[], const WeftNetworkPart *part, const WeftBlock *gradient)
{
  const size_t n = part->rows * (part->cols ? part->cols : 1);
  double       square = 0, error = 0;

  for (size_t i = part->first; i < part->first + n; ++i) {
    const double slope = Slope(c, i);
    square += slope * slope;
    error += PetscSqr(slope - gradient->values.d[i]);
  }
  /* A shift before a normalised layer has no slope at all: what rounding leaves of it is below 1e-9. */
  if (!(PetscSqrtReal(error) <= PetscMax(1e-6 * PetscSqrtReal(square), 5e-9)))
    fail_msg("%s, %s: gradient off by %g of %g", name, part->name, PetscSqrtReal(error), PetscSqrtReal(square));
}

static void test_differences(void **state)
{
  Case      c;
  WeftBlock gradient;

  (void)state;
  for (int k = 0; k < NETS; ++k) {
    Begin(PETSC_COMM_WORLD, &nets[k], &c);
    Ok(WeftBlockCreate(1, c.net.parameters.cols, WEFT_DOUBLE, &gradient));
    Loss(&c, &gradient);
    Loss(&c, &gradient); /* what the last pass left behind has no part in it */
    for (int i = 0; i < c.net.nparts; ++i)
      if (!c.net.part[i].statistic) CheckPart(&c, nets[k].name, &c.net.part[i], &gradient);
    Ok(WeftBlockDestroy(&gradient));
    End(&c);
  }
}

/* Loss, gradient and running statistics are those of one rank that has all samples. */
static void test_ranks(void **state)
{
  Case      all, one;
  WeftBlock ours, theirs;

  (void)state;
  for (int k = 0; k < NETS; ++k) {
    Begin(PETSC_COMM_WORLD, &nets[k], &all);
    Begin(PETSC_COMM_SELF, &nets[k], &one);
    Ok(WeftBlockCreate(1, all.net.parameters.cols, WEFT_DOUBLE, &ours));
    Ok(WeftBlockCreate(1, all.net.parameters.cols, WEFT_DOUBLE, &theirs));
    assert_near(Loss(&all, &ours), Loss(&one, &theirs), 1e-11);
    for (size_t i = 0; i < ours.cols; ++i) assert_near(ours.values.d[i], theirs.values.d[i], 1e-11);
    for (size_t i = 0; i < all.net.statistics.cols; ++i)
      assert_near(all.net.statistics.values.d[i], one.net.statistics.values.d[i], 1e-12);
    Ok(WeftBlockDestroy(&ours));
    Ok(WeftBlockDestroy(&theirs));
    End(&all);
    End(&one);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_differences), cmocka_unit_test(test_ranks)};
WEFT_TEST_MAIN(tests)
