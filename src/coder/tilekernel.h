/* Sums of a matrix's rows for REAL = float and double: the heart of every product with a sparse vector. The vectors
   are GNU C's, which gcc, clang and their kin map to whatever the processor has: left to the compiler's own
   vectorisation, the sums do not stay in registers. */

typedef REAL NAME(Vector) __attribute__((vector_size(64), aligned(sizeof(REAL)), may_alias));

/* y −= Σ_l value_l m[column_l] over up to four vectors of columns, a constant. */
static inline __attribute__((always_inline)) void NAME(Tile)(size_t count, const int *column, const REAL *value,
                                                             const REAL *m, size_t ld, int vectors, REAL *y)
{
  NAME(Vector) sum[4] = {{0}, {0}, {0}, {0}}, *to = (NAME(Vector) *)y;

  for (size_t l = 0; l < count; ++l) {
    const NAME(Vector) *row = (const NAME(Vector) *)(m + (size_t)column[l] * ld);
    for (int i = 0; i < vectors; ++i) sum[i] += value[l] * row[i];
  }
  for (int i = 0; i < vectors; ++i) to[i] -= sum[i];
}

/* The same over any number of columns. */
static inline __attribute__((always_inline)) void NAME(Tiles)(size_t count, const int *column, const REAL *value,
                                                              const REAL *m, size_t ld, size_t cols, REAL *y)
{
  const size_t width = 64 / sizeof(REAL);
  size_t       j = 0;

  for (; j + 4 * width <= cols; j += 4 * width) NAME(Tile)(count, column, value, m + j, ld, 4, y + j);
  switch ((cols - j) / width) { /* constants unroll */
  case 1:
    NAME(Tile)(count, column, value, m + j, ld, 1, y + j);
    break;
  case 2:
    NAME(Tile)(count, column, value, m + j, ld, 2, y + j);
    break;
  case 3:
    NAME(Tile)(count, column, value, m + j, ld, 3, y + j);
    break;
  default:
    break;
  }
  for (j += (cols - j) / width * width; j < cols; ++j)
    for (size_t l = 0; l < count; ++l) y[j] -= value[l] * m[(size_t)column[l] * ld + j];
}
