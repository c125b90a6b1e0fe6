/* How deep: what the layers tell of their input, and whether there is something for one more to learn. */
#include "stackimpl.h"
#include <weft/layers.h>
#include <math.h>

/* Adds a sample's responses, of mean 0 and length 1 (or all zero), and their squares to sums [2 G]. */
static void AddDirection(const WeftBlock *y, size_t i, double row[], double sums[])
{
  const size_t G = y->cols;
  double       mean = 0, square = 0;

  WeftBlockGetRow(y, i, row);
  for (size_t g = 0; g < G; ++g) mean += row[g] / (double)G;
  for (size_t g = 0; g < G; ++g) square += (row[g] - mean) * (row[g] - mean);
  for (size_t g = 0; g < G && square > 0; ++g) {
    const double v = (row[g] - mean) / sqrt(square);
    sums[g] += v;
    sums[G + g] += v * v;
  }
}

/* *varied: do the responses of layer i differ between samples by more than their contrast? If not, no layer can learn
   from them. */
static PetscErrorCode Answers(const WeftStack s, int i, PetscBool *varied)
{
  const WeftBlock *y = &s->responses[i];
  const double     least = 1e-6; /* far above round-off, far below what any variety gives */
  const size_t     G = y->cols;
  double          *row, *sums, variance = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(G, &row, 2 * G, &sums));
  for (size_t r = 0; r < y->rows; ++r) AddDirection(y, r, row, sums);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(2 * G), MPI_DOUBLE, MPI_SUM, s->comm));
  for (size_t g = 0; g < G; ++g) variance += sums[G + g] / (double)s->n - pow(sums[g] / (double)s->n, 2);
  *varied = variance > least ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscFree2(row, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(WeftStack s, WeftInformationResult *result)
{
  PetscFunctionBegin;
  if (!s->information) PetscCall(WeftInformationCreate(s->comm, &s->x, s->row0, &s->information));
  PetscCall(WeftInformationMeasure(s->information, s->learned, s->responses, result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last of the learned layers leaves the stack. */
static PetscErrorCode Drop(WeftStack s)
{
  const int i = --s->learned;

  PetscFunctionBegin;
  s->dropped = s->layers[i];
  s->layers[i] = (WeftStackLayer){0};
  PetscCall(WeftBlockDestroy(&s->responses[i]));
  s->count = s->learned;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackJudge(WeftStack s)
{
  WeftDepth   *d = &s->depth[s->measured];
  const double before = s->measured ? s->depth[s->measured - 1].information.bits : 0;
  PetscBool    varied = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCheck(s->learned == s->measured + 1, s->comm, PETSC_ERR_ARG_WRONGSTATE, "no layer to judge");
  PetscCall(Measure(s, &d->information));
  d->gain = s->measured ? (d->information.bits - before) / PetscMax(before, 1) : 0;
  d->kept = !s->measured++ || s->settings.min_gain < 0 || d->gain >= s->settings.min_gain ? PETSC_TRUE : PETSC_FALSE;
  if (d->kept)
    PetscCall(Answers(s, s->learned - 1, &varied));
  else
    PetscCall(Drop(s));
  s->done = !varied || s->learned == s->settings.most ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
