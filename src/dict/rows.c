#include "dictimpl.h"

enum { CHUNK = 64 }; /* sums side by side, in registers and first-level cache */

PetscErrorCode WeftRowsCreate(size_t rows, size_t groups, size_t p, WeftRows *r)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc3(groups + 1, &r->start, rows * groups, &r->row, rows * groups * p, &r->value));
  PetscCall(PetscArrayzero(r->start, groups + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRowsDestroy(WeftRows *r)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(r->start, r->row, r->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of x [n, p] with ‖x_j‖² > least; returns how many. */
WEFT_SIMD static size_t Select(size_t n, size_t p, const double *x, double least, int row[])
{
  double square[CHUNK];
  size_t found = 0;

  for (size_t first = 0; first < n; first += CHUNK) {
    const size_t m = n - first < CHUNK ? n - first : CHUNK;
    for (size_t l = 0; l < m; ++l) square[l] = 0;
    for (size_t i = 0; i < p; ++i)
      for (size_t l = 0; l < m; ++l) square[l] += x[i * n + first + l] * x[i * n + first + l];
    for (size_t l = 0; l < m; ++l) {
      row[found] = (int)(first + l);
      found += square[l] > least ? 1 : 0;
    }
  }
  return found;
}

void WeftRowsSet(WeftRows *r, size_t g, size_t rows, size_t p, const double *dense, double above)
{
  const size_t first = r->start[g], n = Select(rows, p, dense, above * above, r->row + first);
  const int   *row = r->row + first;
  double      *value = r->value + p * first;

  r->start[g + 1] = first + n;
  for (size_t i = 0; i < p; ++i)
    for (size_t e = 0; e < n; ++e) value[i * n + e] = dense[i * rows + (size_t)row[e]];
}

void WeftRowsAdd(const WeftRows *r, size_t g, size_t rows, size_t p, double factor, const double scale[], double *dense)
{
  const size_t  n = WeftRowsCount(r, g);
  const int    *row = r->row + r->start[g];
  const double *value = r->value + p * r->start[g];

  for (size_t i = 0; i < p; ++i) {
    const double f = scale ? factor * scale[i] : factor;
    for (size_t e = 0; e < n; ++e) dense[i * rows + (size_t)row[e]] += f * value[i * n + e];
  }
}

void WeftRowsToDense(const WeftRows *r, size_t groups, size_t rows, size_t p, double *dense)
{
  (void)PetscArrayzero(dense, groups * rows * p);
  for (size_t g = 0; g < groups; ++g) WeftRowsAdd(r, g, rows, p, 1, NULL, dense + g * rows * p);
}
