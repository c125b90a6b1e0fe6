/* A problem made here, where no file is given: synthetic pictures preprocessed as for learning, and atoms that are
   other such pictures. */
#include "benchimpl.h"
#include <weft/data.h>
#include <weft/prep.h>
#include <weft/stack.h>
#include <weft/synth.h>

/* λ√p over the mean of max_g ‖D_gᵀx‖: about 5 % of groups of p are active then, or of atoms. */
static const double strength[WEFT_PROBLEMS] = {0.4, 0.6};

/* Pictures first .. first + x->rows − 1. */
static PetscErrorCode Draw(const WeftSynth *synth, WeftSplit split, PetscInt64 first, WeftBlock *x)
{
  uint8_t *pixels;
  int32_t  label;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(x->cols, &pixels));
  for (size_t i = 0; i < x->rows; ++i) {
    PetscCall(WeftSynthDraw(synth, split, first + (PetscInt64)i, pixels, &label));
    for (size_t j = 0; j < x->cols; ++j) WeftBlockSet(x, i, j, pixels[j] / 255.0);
  }
  PetscCall(PetscFree(pixels));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows to norm 1; zeros stay. */
static void Normalise(WeftBlock *x)
{
  for (size_t i = 0; i < x->rows; ++i) {
    double square = 0;
    for (size_t j = 0; j < x->cols; ++j) square += WeftBlockGet(x, i, j) * WeftBlockGet(x, i, j);
    for (size_t j = 0; j < x->cols && square > 0; ++j)
      WeftBlockSet(x, i, j, WeftBlockGet(x, i, j) / PetscSqrtReal(square));
  }
}

/* Σ_i max_g ‖D_gᵀx_i‖ over the rows of correlations. */
static double SumStrongest(const WeftBlock *c, int group_size)
{
  double sum = 0;

  for (size_t i = 0; i < c->rows; ++i) {
    double most = 0;
    for (size_t first = 0; first < c->cols; first += (size_t)group_size) {
      double square = 0;
      for (size_t a = first; a < first + (size_t)group_size; ++a) {
        const double v = WeftBlockGet(c, i, a);
        square += v * v;
      }
      most = PetscMax(most, square);
    }
    sum += PetscSqrtReal(most);
  }
  return sum;
}

static PetscErrorCode ChooseWeights(const WeftBench *bench, WeftBenchProblem *p)
{
  const size_t rows = 256;
  double       sums[WEFT_PROBLEMS] = {0};
  WeftBlock    c;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(rows, (size_t)p->k, p->x.precision, &c));
  for (size_t first = 0; first < p->x.rows; first += rows) {
    const WeftBlock part = WeftBlockRows(&p->x, first, PetscMin(rows, p->x.rows - first));
    c.rows = part.rows;
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &part, &p->atoms, 0.0, &c));
    for (int which = 0; which < WEFT_PROBLEMS; ++which) sums[which] += SumStrongest(&c, p->group_size[which]);
  }
  PetscCall(WeftBlockDestroy(&c));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, WEFT_PROBLEMS, MPI_DOUBLE, MPI_SUM, bench->comm));
  for (int which = 0; which < WEFT_PROBLEMS; ++which)
    p->lambda[which] = strength[which] * sums[which] / (double)p->n / PetscSqrtReal((double)p->group_size[which]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOptions(const WeftBench *bench, WeftSynth *synth, WeftBenchProblem *p)
{
  PetscInt64 size, seed, group_size;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-samples", 2, INT64_MAX, &p->n));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-size", WEFT_SYNTH_MIN_SIZE, WEFT_SYNTH_MAX_SIZE, &size));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-seed", 0, INT64_MAX, &seed));
  PetscCall(WeftOptionsGetInt(WeftLayerOptions, "-weft_atoms", 1, INT_MAX, &p->k));
  PetscCall(WeftOptionsGetInt(WeftLayerOptions, "-weft_group_size", 1, 1024, &group_size));
  WeftUserCheck(p->k % group_size == 0, bench->comm, "-weft_atoms %lld is not a multiple of -weft_group_size %lld",
                (long long)p->k, (long long)group_size);
  *synth = (WeftSynth){.size = (int)size, .channels = 1, .seed = (uint64_t)seed};
  p->d = size * size;
  p->group_size[WEFT_PROBLEM_L] = 1;
  p->group_size[WEFT_PROBLEM_G] = (int)group_size;
  snprintf(p->source, sizeof(p->source), "synthetic pictures of seed %lld", (long long)seed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms: the pictures that follow the samples, the same on every rank. */
static PetscErrorCode DrawAll(const WeftBench *bench, const WeftSynth *synth, WeftPrecision precision, PetscBool tests,
                              WeftBenchProblem *p)
{
  PetscInt64   rows, test0, test_rows;
  int          rank, size;
  const size_t d = (size_t)p->d;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(bench->comm, &rank));
  PetscCallMPI(MPI_Comm_size(bench->comm, &size));
  p->tests = tests ? PetscMax(p->n / 5, 1) : 0;
  WeftDataRange(p->n, rank, size, &p->row0, &rows);
  WeftDataRange(p->tests, rank, size, &test0, &test_rows);
  PetscCall(WeftBlockCreate((size_t)rows, d, precision, &p->x));
  PetscCall(WeftBlockCreate((size_t)p->k, d, precision, &p->atoms));
  PetscCall(WeftBlockCreate((size_t)test_rows, d, precision, &p->test));
  PetscCall(Draw(synth, WEFT_TRAIN, p->row0, &p->x));
  PetscCall(Draw(synth, WEFT_TRAIN, p->n, &p->atoms));
  PetscCall(Draw(synth, WEFT_TEST, test0, &p->test));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchProblemMake(const WeftBench *bench, WeftPrecision precision, PetscBool tests,
                                    WeftBenchProblem *p)
{
  WeftSynth synth;
  WeftPrep  prep;

  PetscFunctionBegin;
  PetscCall(ReadOptions(bench, &synth, p));
  PetscCall(DrawAll(bench, &synth, precision, tests, p));
  PetscCall(WeftPrepCreate(bench->comm, (PetscInt)p->d, &prep));
  PetscCall(WeftPrepFit(prep, &p->x));
  PetscCall(WeftPrepApply(prep, &p->atoms));
  if (tests) PetscCall(WeftPrepApply(prep, &p->test));
  PetscCall(WeftPrepDestroy(&prep));
  Normalise(&p->x);
  Normalise(&p->atoms);
  Normalise(&p->test);
  PetscCall(ChooseWeights(bench, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}
