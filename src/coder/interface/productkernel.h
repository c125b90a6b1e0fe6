/* The loops of product.c for REAL = float and double: it includes this once for each. */
#include "../tilekernel.h"

/* Columns and values of a row's nonzeros; returns how many. */
WEFT_SIMD static size_t NAME(Find)(size_t k, const REAL *z, int *column, REAL *value)
{
  size_t count = 0;

  for (size_t first = 0; first < k; first += RUN) { /* codes are mostly zeros, which are passed over in runs */
    const size_t last = first + RUN < k ? first + RUN : k;
    int          any = 0;
    for (size_t a = first; a < last; ++a) any |= z[a] != 0;
    for (size_t a = first; a < last && any; ++a) {
      if (z[a] == 0) continue;
      column[count] = (int)a;
      value[count++] = z[a];
    }
  }
  return count;
}

/* y −= Z m in the columns [first, first + cols) of y, to which m's first ones belong. */
WEFT_SIMD static void NAME(Panel)(const WeftCoderNonzeros *nz, const REAL *m, size_t ld, size_t first, size_t cols,
                                  WeftBlock *y)
{
  const REAL *value = nz->value.values.v;

  for (size_t i = 0; i < nz->rows; ++i) {
    const size_t at = nz->start[i], count = nz->start[i + 1] - at;
    NAME(Tiles)(count, nz->column + at, value + at, m, ld, cols, (REAL *)y->values.v + i * y->cols + first);
  }
}
