#include <weft/block.h>
#include <string.h>
#include <petscblaslapack.h>
#include <limits.h>

/* PETSc declares the BLAS of one precision only. */
extern void sgemm_(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *,
                   const float *, const float *, const PetscBLASInt *, const float *, const PetscBLASInt *,
                   const float *, float *, const PetscBLASInt *);

size_t WeftPrecisionBytes(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? sizeof(float) : sizeof(double);
}

PetscErrorCode WeftBlockCreate(size_t rows, size_t cols, WeftPrecision precision, WeftBlock *block)
{
  PetscFunctionBegin;
  *block = (WeftBlock){.rows = rows, .cols = cols, .precision = precision};
  PetscCall(PetscCalloc(rows * cols * WeftPrecisionBytes(precision), &block->values.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBlockDestroy(WeftBlock *block)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(block->values.v));
  *block = (WeftBlock){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

WeftBlock WeftBlockRows(const WeftBlock *block, size_t first, size_t rows)
{
  WeftBlock view = *block;

  view.rows = rows;
  view.values.v = (char *)block->values.v + first * block->cols * WeftPrecisionBytes(block->precision);
  return view;
}

double WeftBlockGet(const WeftBlock *block, size_t row, size_t col)
{
  const size_t i = row * block->cols + col;

  return block->precision == WEFT_SINGLE ? (double)block->values.s[i] : block->values.d[i];
}

void WeftBlockSet(WeftBlock *block, size_t row, size_t col, double value)
{
  const size_t i = row * block->cols + col;

  if (block->precision == WEFT_SINGLE)
    block->values.s[i] = (float)value;
  else
    block->values.d[i] = value;
}

void WeftBlockGetRow(const WeftBlock *block, size_t row, double values[])
{
  const size_t first = row * block->cols;

  if (block->precision == WEFT_SINGLE)
    for (size_t j = 0; j < block->cols; ++j) values[j] = (double)block->values.s[first + j];
  else
    for (size_t j = 0; j < block->cols; ++j) values[j] = block->values.d[first + j];
}

void WeftBlockSetRow(WeftBlock *block, size_t row, const double values[])
{
  const size_t first = row * block->cols;

  if (block->precision == WEFT_SINGLE)
    for (size_t j = 0; j < block->cols; ++j) block->values.s[first + j] = (float)values[j];
  else
    for (size_t j = 0; j < block->cols; ++j) block->values.d[first + j] = values[j];
}

/* Nought times a number is nought, times anything else it is none. */
WEFT_SIMD static PetscBool FiniteSingle(size_t n, const float *values)
{
  float left = 0;

  WEFT_VECTOR_LOOP(reduction(+ : left))
  for (size_t i = 0; i < n; ++i) left += 0 * values[i];
  return left == 0 ? PETSC_TRUE : PETSC_FALSE;
}

WEFT_SIMD static PetscBool FiniteDouble(size_t n, const double *values)
{
  double left = 0;

  WEFT_VECTOR_LOOP(reduction(+ : left))
  for (size_t i = 0; i < n; ++i) left += 0 * values[i];
  return left == 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscBool WeftBlockFinite(const WeftBlock *b)
{
  return b->precision == WEFT_SINGLE ? FiniteSingle(b->rows * b->cols, b->values.s)
                                     : FiniteDouble(b->rows * b->cols, b->values.d);
}

enum { STREAMS = 16 }; /* columns at a time: as many as a processor reads ahead of, and whole cache lines of a row */

void WeftBlockFromColumns(const double *columns, size_t ld, WeftBlock *b)
{
  for (size_t c0 = 0; c0 < b->cols; c0 += STREAMS) {
    const size_t  width = PetscMin((size_t)STREAMS, b->cols - c0);
    const double *from = columns + c0 * ld;
    if (b->precision == WEFT_SINGLE)
      for (size_t r = 0; r < b->rows; ++r)
        for (size_t c = 0; c < width; ++c) b->values.s[r * b->cols + c0 + c] = (float)from[c * ld + r];
    else
      for (size_t r = 0; r < b->rows; ++r)
        for (size_t c = 0; c < width; ++c) b->values.d[r * b->cols + c0 + c] = from[c * ld + r];
  }
}

void WeftBlockToColumns(const WeftBlock *b, double *columns, size_t ld)
{
  for (size_t c0 = 0; c0 < b->cols; c0 += STREAMS) {
    const size_t width = PetscMin((size_t)STREAMS, b->cols - c0);
    double      *to = columns + c0 * ld;
    if (b->precision == WEFT_SINGLE)
      for (size_t r = 0; r < b->rows; ++r)
        for (size_t c = 0; c < width; ++c) to[c * ld + r] = (double)b->values.s[r * b->cols + c0 + c];
    else
      for (size_t r = 0; r < b->rows; ++r)
        for (size_t c = 0; c < width; ++c) to[c * ld + r] = b->values.d[r * b->cols + c0 + c];
  }
}

/* Row-major C = A B is column-major C' = B' A'. */
PetscErrorCode WeftBlockGemm(PetscBool transpose_a, PetscBool transpose_b, double alpha, const WeftBlock *a,
                             const WeftBlock *b, double beta, WeftBlock *c)
{
  const size_t       inner = transpose_a ? a->rows : a->cols;
  const char        *ta = transpose_a ? "T" : "N", *tb = transpose_b ? "T" : "N";
  const PetscBLASInt m = (PetscBLASInt)c->cols, n = (PetscBLASInt)c->rows, k = (PetscBLASInt)inner;
  const PetscBLASInt lda = (PetscBLASInt)PetscMax(a->cols, 1), ldb = (PetscBLASInt)PetscMax(b->cols, 1),
                     ldc = (PetscBLASInt)PetscMax(c->cols, 1);

  PetscFunctionBegin;
  PetscCheck(c->rows <= INT_MAX && c->cols <= INT_MAX && inner <= INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a block is too large for BLAS: split its rows");
  PetscCheck(inner == (transpose_b ? b->cols : b->rows), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "blocks do not fit");
  if (!c->rows || !c->cols) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->precision == WEFT_SINGLE) {
    const float sa = (float)alpha, sb = (float)beta;
    sgemm_(tb, ta, &m, &n, &k, &sa, b->values.s, &ldb, a->values.s, &lda, &sb, c->values.s, &ldc);
  } else {
    BLASgemm_(tb, ta, &m, &n, &k, &alpha, b->values.d, &ldb, a->values.d, &lda, &beta, c->values.d, &ldc);
  }
  PetscCall(PetscLogFlops(2.0 * (double)m * (double)n * (double)k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Eight bytes at a time: multiply and fold, as in SplitMix64. */
static uint64_t Mix(uint64_t hash, uint64_t word)
{
  hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
  return hash ^ (hash >> 29);
}

uint64_t WeftBlockChecksum(const WeftBlock *block, uint64_t first)
{
  const size_t bytes = block->cols * WeftPrecisionBytes(block->precision);
  uint64_t     sum = 0;

  for (size_t i = 0; i < block->rows; ++i) {
    const char *row = (const char *)block->values.v + i * bytes;
    uint64_t    hash = Mix(0, first + i + 1);
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
      uint64_t word = 0;
      memcpy(&word, row + at, PetscMin(bytes - at, sizeof(word)));
      hash = Mix(hash, word);
    }
    sum += Mix(hash, bytes);
  }
  return sum;
}
