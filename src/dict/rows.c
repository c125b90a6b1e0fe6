#include "dictimpl.h"

enum { CHUNK = 64 }; /* sums side by side, in registers and first-level cache */

PetscErrorCode WeftRowsCreate(size_t rows, size_t groups, WeftRows *r)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc2(groups, &r->count, rows * groups, &r->row));
  PetscCall(PetscArrayzero(r->count, groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRowsDestroy(WeftRows *r)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(r->count, r->row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mostly all of them or none. */
static inline __attribute__((always_inline)) size_t Pick(size_t n, int first, const double *square, double least,
                                                         int row[])
{
  size_t found = 0;
  int    all = 0;

  for (size_t l = 0; l < n; ++l) all += square[l] > least ? 1 : 0;
  if (all == (int)n) {
    for (size_t l = 0; l < n; ++l) row[l] = first + (int)l;
  } else if (all) {
    for (size_t l = 0; l < n; ++l) {
      row[found] = first + (int)l;
      found += square[l] > least ? 1 : 0;
    }
  }
  return (size_t)all;
}

WEFT_SIMD size_t WeftRowsSelect(size_t n, size_t p, const double *x, double above, int row[])
{
  const double least = above * above;
  double       square[CHUNK];
  size_t       found = 0;

  for (size_t first = 0; first < n; first += CHUNK) {
    const size_t m = n - first < CHUNK ? n - first : CHUNK;
    for (size_t l = 0; l < m; ++l) square[l] = 0;
    for (size_t i = 0; i < p; ++i)
      for (size_t l = 0; l < m; ++l) square[l] += x[i * n + first + l] * x[i * n + first + l];
    found += Pick(m, (int)first, square, least, row + found);
  }
  return found;
}

size_t WeftRowsUnite(size_t n1, const int row1[], size_t n2, const int row2[], int row[])
{
  size_t n = 0;

  for (size_t e = 0, f = 0; e < n1 || f < n2; ++n) {
    row[n] = f == n2 || (e < n1 && row1[e] < row2[f]) ? row1[e] : row2[f];
    if (e < n1 && row1[e] == row[n]) ++e;
    if (f < n2 && row2[f] == row[n]) ++f;
  }
  return n;
}

WEFT_SIMD double WeftRowsSquare(size_t n, const double *x)
{
  double part[8] = {0};
  size_t i = 0;

  for (; i + 8 <= n; i += 8)
    for (size_t l = 0; l < 8; ++l) part[l] += x[i + l] * x[i + l];
  for (; i < n; ++i) part[0] += x[i] * x[i];
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}
