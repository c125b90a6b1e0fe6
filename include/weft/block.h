/* A dense row-major block of numbers in single or double precision: what the hot path passes between modules.
   Local to a rank; a distributed set of rows is one block per rank. */
#pragma once
#include <weft/sys.h>
#include <stdint.h>

typedef enum { WEFT_SINGLE, WEFT_DOUBLE } WeftPrecision;

typedef struct {
  size_t        rows, cols; /* row i is values[i cols .. (i+1) cols) */
  WeftPrecision precision;
  union {
    void   *v;
    float  *s;
    double *d;
  } values;
} WeftBlock;

/* All of these are not collective. */
extern size_t         WeftPrecisionBytes(WeftPrecision precision);
extern PetscErrorCode WeftBlockCreate(size_t rows, size_t cols, WeftPrecision precision, WeftBlock *block); /* zeros */
extern PetscErrorCode WeftBlockDestroy(WeftBlock *block);
/* A view of rows [first, first + rows) that owns nothing. */
extern WeftBlock WeftBlockRows(const WeftBlock *block, size_t first, size_t rows);
extern double    WeftBlockGet(const WeftBlock *block, size_t row, size_t col);
extern void      WeftBlockSet(WeftBlock *block, size_t row, size_t col, double value);
/* Is none of its numbers infinite or NaN? */
extern PetscBool WeftBlockFinite(const WeftBlock *block);
/* Row to and from doubles. */
extern void WeftBlockGetRow(const WeftBlock *block, size_t row, double values[]);
extern void WeftBlockSetRow(WeftBlock *block, size_t row, const double values[]);

/* The whole block from and to column-major doubles: column c at columns[c ld]. */
extern void WeftBlockFromColumns(const double *columns, size_t ld, WeftBlock *block);
extern void WeftBlockToColumns(const WeftBlock *block, double *columns, size_t ld);

/* C = alpha op(A) op(B) + beta C by BLAS gemm; op is the transpose where the flag is true. All of one precision. */
extern PetscErrorCode WeftBlockGemm(PetscBool transpose_a, PetscBool transpose_b, double alpha, const WeftBlock *a,
                                    const WeftBlock *b, double beta, WeftBlock *c);

/* WeftBlockGram - rows [first, first + rows) of atoms·atomsᵀ into the same rows of gram [k, k]. The atoms, rows [k, d],
   come in groups of p with common zeros: where few of a group's columns are not zero, only these are multiplied, in an
   order that does not depend on which rows are asked for; else one gemm. first and rows: multiples of p. */
extern PetscErrorCode WeftBlockGram(const WeftBlock *atoms, int p, size_t first, size_t rows, WeftBlock *gram);

/* WeftBlockChecksum - tells samples apart: the sum over rows of a hash of place, first + i, and bytes. So the sum of
   the checksums of a distributed block's parts does not depend on how it is cut. */
extern uint64_t WeftBlockChecksum(const WeftBlock *block, uint64_t first);
