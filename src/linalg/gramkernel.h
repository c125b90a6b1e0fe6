/* The Gram matrix of sparse atoms for REAL = float and double: gram.c includes this once for each. */

/* has[j]: has the group, whose p rows of d numbers start at row, input j? */
WEFT_SIMD static void NAME(Mark)(size_t d, size_t p, const REAL *row, unsigned char has[])
{
  for (size_t j = 0; j < d; ++j) has[j] = row[j] != 0;
  for (size_t i = 1; i < p; ++i)
    for (size_t j = 0; j < d; ++j) has[j] |= row[i * d + j] != 0;
}

static void NAME(Count)(const WeftBlock *atoms, size_t p, unsigned char has[], size_t count[])
{
  const size_t d = atoms->cols;
  const REAL  *row = atoms->values.v;

  for (size_t g = 0; g < atoms->rows / p; ++g, row += p * d) {
    NAME(Mark)(d, p, row, has);
    for (size_t j = 0; j < d; ++j) count[j] += has[j];
  }
}

/* Moves start[j + 1] to the end of j's place, where it belongs. */
static void NAME(Fill)(const WeftBlock *atoms, size_t p, Inputs *in)
{
  const size_t d = atoms->cols;
  const REAL  *row = atoms->values.v;
  REAL        *value = in->value;

  for (size_t g = 0; g < atoms->rows / p; ++g, row += p * d) {
    NAME(Mark)(d, p, row, in->has);
    for (size_t j = 0; j < d; ++j) {
      size_t at;
      if (!in->has[j]) continue;
      at = in->start[j + 1]++;
      in->group[at] = (int)g;
      for (size_t i = 0; i < p; ++i) value[at * p + i] = row[i * d + j];
    }
  }
}

/* A group's p rows of the Gram matrix, [p, k] from out: they stay in the first-level cache. row: its atoms. */
static inline __attribute__((always_inline)) void NAME(GroupRows)(size_t d, size_t k, size_t p, const REAL *row,
                                                                  const Inputs *in, REAL *out)
{
  const REAL *value = in->value;

  for (size_t j = 0; j < d; ++j) {
    if (!in->has[j]) continue;
    for (size_t e = in->start[j]; e < in->start[j + 1]; ++e) {
      REAL *to = out + (size_t)in->group[e] * p;
      for (size_t i = 0; i < p; ++i)
        for (size_t l = 0; l < p; ++l) to[i * k + l] += row[i * d + j] * value[e * p + l];
    }
  }
}

static void NAME(Sparse)(const WeftBlock *atoms, size_t p, size_t first, size_t rows, Inputs *in, WeftBlock *gram)
{
  const size_t d = atoms->cols, k = atoms->rows;

  NAME(Fill)(atoms, p, in);
  for (size_t a = first; a < first + rows; a += p) {
    const REAL *row = (const REAL *)atoms->values.v + a * d;
    REAL       *out = (REAL *)gram->values.v + a * k;
    (void)PetscArrayzero(out, p * k);
    NAME(Mark)(d, p, row, in->has);
    switch (p) { /* constant group sizes unroll */
    case 1:
      NAME(GroupRows)(d, k, 1, row, in, out);
      break;
    case 4:
      NAME(GroupRows)(d, k, 4, row, in, out);
      break;
    default:
      NAME(GroupRows)(d, k, p, row, in, out);
    }
  }
}
