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
  unsigned char *alive;     /* [G] */
  WeftPrecision  precision; /* of the products */
  double         rtol;
  int            max_iterations;
  WeftStep       step; /* its memory, kept from step to step; NULL before the first */
};

/* The local rows of a dense matrix, column-major with leading dimension dict->rows. */
extern PetscErrorCode WeftDictArray(WeftDict dict, Mat M, double **values);
extern PetscErrorCode WeftDictRestore(Mat M, double **values);

/* The rows of groups that are not zero, of a matrix [rows, k] that is column-major and of this rank. */
typedef struct {
  size_t *count; /* [G] */
  int    *row;   /* [G, rows]: group g's, ascending */
} WeftRows;

/* None of these is collective. */
extern PetscErrorCode WeftRowsCreate(size_t rows, size_t groups, WeftRows *r);
extern PetscErrorCode WeftRowsDestroy(WeftRows *r);
/* The rows of x [n, p] whose norm is over `above`; returns how many. */
extern size_t WeftRowsSelect(size_t n, size_t p, const double *x, double above, int row[]);
/* ‖x‖² of a column [n]. */
extern double WeftRowsSquare(size_t n, const double *x);
/* The rows in either of two ascending lists; returns how many. */
extern size_t WeftRowsUnite(size_t n1, const int row1[], size_t n2, const int row2[], int row[]);

/* State of a step: one block of atoms at a time moves, given all the others. Arrays [rows, ..] are column-major, where
   nothing else is said, and of this rank; "real" ones are in the dictionary's precision. */
struct _n_WeftStep {
  WeftDict      dict;
  size_t        rows, k, p, groups;
  size_t        width, ld, blocks; /* atoms of a block, at most; the same up to full panels; how many blocks */
  const double *a, *b, *weight;    /* A [k, k]; B [rows, k]; w_g */
  double       *d, *d_new, *other; /* [rows, k]: D, and what a pass makes of it; the dictionary's own and this one */
  WeftRows      filled;            /* of d_new */
  PetscBool     fresh;             /* D is not what the last pass made */
  PetscBool     sparse;            /* multiply those rows alone */
  void         *copy, *panels, *panel;      /* real: d_new; A's columns, [blocks, k, ld]; products [rows, ld] */
  double       *diagonal, *kappa;           /* [k] floored A_aa; [blocks] */
  double       *h, *square, *nu, *fraction; /* [k] m + ν; ‖d_a‖²; ν; see WeftStepProximal() */

  /* of the block alone */
  size_t   first, atoms; /* its atoms */
  WeftRows kept, moved;  /* over the threshold; changed */
  double  *minus;        /* B − D A [rows, width] */
  double  *t, *value;    /* [rows, width] T and the proximal map of it, kept rows alone, group by group */
  void    *change;       /* real [rows, width]: by which d_new moved */
  double  *tile;         /* [rows, p + 6] scratch */

  double stretch, norm_rtol; /* factor of all κ; relative, of the norm bound */
  struct {
    double f, rise, change, norm; /* see WeftStepSweep() */
  } sums;
};

extern PetscErrorCode WeftStepDestroy(WeftStep *step);
/* κ of each block: a proximal gradient step in the metric κ A_aa lowers F. Collective. */
extern PetscErrorCode WeftStepMetric(WeftStep s);
/* value = the proximal map of T (rows kept of every group of the block) under the norm bound. Collective. */
extern PetscErrorCode WeftStepProximal(WeftStep s);
/* One pass over the blocks, from D to d_new. sums over all ranks: F(D), F(d_new) − F(D), ‖d_new − D‖², ‖d_new‖².
   move: else only F. Collective. */
extern PetscErrorCode WeftStepSweep(WeftStep s, PetscBool move);

/* Products for the block, in either precision. None is collective. */
/* A's columns for all blocks, once per step. */
extern void WeftProductPack(WeftStep s);
/* minus = B − D A; returns tr(Dᵀ(D A)) where D has this block's atoms to its left and half of those within: what the
   blocks add to tr(D A Dᵀ)/2 if none has moved. */
extern PetscErrorCode WeftProductForm(WeftStep s, double *half);
/* tr(C A Cᵀ) of the change C. */
extern PetscErrorCode WeftProductCurvature(WeftStep s, double *curvature);
/* to [at + i] = x [i] − minus [i] in a real array; minus may be NULL. */
extern void WeftProductCopy(WeftStep s, size_t n, const double *x, const double *minus, void *to, size_t at);
/* The same to [at + row[i]]. */
extern void WeftProductScatter(WeftStep s, size_t n, const int row[], const double *x, const double *minus, void *to,
                               size_t at);
