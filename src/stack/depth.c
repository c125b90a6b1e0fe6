/* Is there something for one more layer to learn? */
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

PetscErrorCode WeftStackAnswers(const WeftStack s, int i, PetscBool *varied)
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
