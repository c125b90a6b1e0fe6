/* What the files of src/dict share. */
#pragma once
#include <weft/dict.h>
#include <weft/group.h>

typedef struct _n_WeftStep *WeftStep;

struct _n_WeftDict {
  MPI_Comm       comm;
  Mat            D;
  PetscInt       d, k, rows; /* rows: of this rank */
  int            group_size;
  PetscInt       groups;
  unsigned char *alive; /* [G] */
  double         rtol;
  int            max_iterations;
  WeftStep       step; /* its memory, kept from step to step; NULL before the first */
};

/* The local rows of a dense matrix, column-major with leading dimension dict->rows. */
extern PetscErrorCode WeftDictArray(WeftDict dict, Mat M, double **values);
extern PetscErrorCode WeftDictRestore(Mat M, double **values);

/* A rank's rows of D that are not zero, group after group. A step works on these alone: D has few. */
typedef struct {
  size_t *start; /* [G + 1]: the entries of group g are start[g] .. start[g + 1] */
  int    *row;   /* of each entry; ascending within a group */
  double *value; /* group g: p columns of its entries, from value[p start[g]] */
} WeftRows;

/* None of these is collective. Memory for every row of every group. */
extern PetscErrorCode WeftRowsCreate(size_t rows, size_t groups, size_t p, WeftRows *r);
extern PetscErrorCode WeftRowsDestroy(WeftRows *r);
static inline size_t  WeftRowsCount(const WeftRows *r, size_t g)
{
  return r->start[g + 1] - r->start[g];
}
/* Group g := those rows of its dense columns [rows, p] whose norm is over `above`. In ascending order of g. */
extern void WeftRowsSet(WeftRows *r, size_t g, size_t rows, size_t p, const double *dense, double above);
/* dense [rows, p] += factor scale[i] (column i of group g), scale may be NULL. */
extern void WeftRowsAdd(const WeftRows *r, size_t g, size_t rows, size_t p, double factor, const double scale[],
                        double *dense);
/* dense [rows, G p] := all groups. */
extern void WeftRowsToDense(const WeftRows *r, size_t groups, size_t rows, size_t p, double *dense);

/* State of a step. Arrays [rows, k] are column-major and of this rank. */
struct _n_WeftStep {
  WeftDict      dict;
  size_t        rows, k, p, groups;
  const double *a, *b, *weight;                      /* A [k, k]; B [rows, k]; w_g */
  WeftRows      d, d_old, d_new;                     /* now, one iteration ago, proposed */
  double       *product, *product_old, *product_new; /* the same times A: [rows, k] */
  double       *t;                                   /* T at the entries of d_new, laid out like its values */
  double       *dense;                               /* [rows, k] scratch */
  double *diagonal, *h, *square, *nu, *fraction; /* [k] floored A_aa; m + ν; ‖d_a‖²; ν; see WeftStepProximal() */
  double *tile;                                  /* [rows, p] scratch */
  double  kappa, value, norm_rtol;
};

extern PetscErrorCode WeftStepDestroy(WeftStep *step);
/* product = D A: by BLAS, or over the rows that are not zero where these are few. Not collective. */
extern PetscErrorCode WeftStepMultiply(WeftStep s, const WeftRows *d, double *product);
/* d_new = the proximal map of T at the extrapolated point D + β (D − D_old). Collective. */
extern PetscErrorCode WeftStepProximal(WeftStep s, double beta);
