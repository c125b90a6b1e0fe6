/* What a coder type sees. Only files below src/coder include this. */
#pragma once
#include <weft/coder.h>
#include <weft/group.h>
#include <petsc/private/petscimpl.h>

/* A statement in which size is a constant where the group size is a usual one, so that its loops unroll. */
#define WEFT_BY_GROUP_SIZE(group_size, size, ...)                                                                      \
  switch (group_size) {                                                                                                \
  case 1: {                                                                                                            \
    enum { size = 1 };                                                                                                 \
    __VA_ARGS__;                                                                                                       \
    break;                                                                                                             \
  }                                                                                                                    \
  case 2: {                                                                                                            \
    enum { size = 2 };                                                                                                 \
    __VA_ARGS__;                                                                                                       \
    break;                                                                                                             \
  }                                                                                                                    \
  case 4: {                                                                                                            \
    enum { size = 4 };                                                                                                 \
    __VA_ARGS__;                                                                                                       \
    break;                                                                                                             \
  }                                                                                                                    \
  default: {                                                                                                           \
    const int size = group_size;                                                                                       \
    __VA_ARGS__;                                                                                                       \
  }                                                                                                                    \
  }

/* A batch of samples on its way through a type: n rows. All blocks are of the dictionary's precision. */
typedef struct {
  size_t    n;
  WeftBlock c;      /* [n, k] X D: correlations */
  WeftBlock z;      /* [n, k] in: where to start; out: the code */
  double   *square; /* [n] ‖x‖² */
} WeftCoderBatch;

struct _WeftCoderOps {
  /* Reads the type's options; may be NULL. Called by WeftCoderSetFromOptions(). */
  PetscErrorCode (*setfromoptions)(WeftCoder);
  /* Called before solve whenever the dictionary or the penalty changed; gram, threshold and ridge are valid. */
  PetscErrorCode (*setup)(WeftCoder);
  /* Called with samples to solve until each one's gap (WeftCoderGramGap()) is at or under target, or the type's own
     iteration limit is met: the caller certifies, and may call again with a tighter target. */
  PetscErrorCode (*solve)(WeftCoder, WeftCoderBatch *, double target);
  PetscErrorCode (*view)(WeftCoder, PetscViewer);
  /* Frees data; called once. */
  PetscErrorCode (*destroy)(WeftCoder);
};

struct _p_WeftCoder {
  PETSCHEADER(struct _WeftCoderOps);
  void     *data; /* the type's own */
  double    rtol;
  int       max_rounds, max_iterations;
  PetscBool monotone, view, setup_called;

  WeftCoderMonitor monitor; /* or NULL */
  void            *monitor_ctx;

  WeftBlock atoms; /* [k, d], the caller's */
  WeftBlock gram;  /* [k, k] D'D; ours unless gram_given */
  PetscBool gram_given;
  size_t    k, d;
  int       group_size, groups;
  double    lambda, threshold; /* λ and λ√p */
  double   *ridge;             /* [G] */
  double   *norms;             /* [G] scratch */
  PetscBool any_ridge;

  size_t  samples, capacity; /* of the last solve */
  double *objective, *gap;   /* [samples] */
};

/* The quantities a gap is made of, for one sample, in double. */
typedef struct {
  double square;     /* ‖x‖² */
  double inner;      /* x·ρ, ρ = x − D z */
  double rho_square; /* ‖ρ‖² */
  double penalty;    /* t Σ‖z_g‖ + ½ Σ r_g‖z_g‖² */
} WeftCoderParts;

/* The groups that a gap is taken over: all, or a working set. */
typedef struct {
  double        threshold; /* t = λ√p */
  int           groups;
  const double *ridge; /* [groups] r_g */
  PetscBool     any_ridge;
  const double *norms;   /* [groups] u_g = ‖D_gᵀρ‖; at λ = 0: ‖D_gᵀρ − r_g z_g‖ */
  double        scale;   /* at λ = 0: max_g ‖D_gᵀx‖, which the KKT residual is relative to */
  double        largest; /* max u_g: without ridges and at λ > 0 all that the gap needs of the norms */
} WeftCoderProblem;

/* P and its relative gap with θ = α ρ, α the best scale; at λ = 0 the relative KKT residual. A gap that is not a number
   is PETSC_MAX_REAL. */
extern void WeftCoderGap(const WeftCoderProblem *problem, const WeftCoderParts *parts, double *primal, double *gap);
/* The same for sample i of a batch by the Gram form, its code z and q = c − G z in the given rows of two blocks: what a
   type's own stopping rule uses. */
extern void WeftCoderGramGap(const WeftCoder coder, const WeftCoderBatch *batch, size_t i, const WeftBlock *z,
                             size_t z_row, const WeftBlock *q, size_t q_row, double *primal, double *gap);
/* The numbers of some codes that are not zero: those of row i are at start[i] .. start[i + 1]. */
typedef struct {
  size_t    rows, *start;
  int      *column;
  WeftBlock value;
} WeftCoderNonzeros;

/* Certifies row i, whose code is in the batch and in nz, from ρ and u = D'ρ, both formed anew. */
extern void WeftCoderCertify(const WeftCoder coder, const WeftBlock *x, const WeftBlock *rho, const WeftBlock *u,
                             const WeftCoderBatch *batch, const WeftCoderNonzeros *nz, size_t i, double *primal,
                             double *reconstruction, double *gap);
/* Σ_j a_ij b_hj, in double. */
extern double WeftCoderRowDot(const WeftBlock *a, size_t i, const WeftBlock *b, size_t h);

/* Room for that many rows and columns without a zero. */
extern PetscErrorCode WeftCoderNonzerosCreate(size_t rows, size_t cols, WeftPrecision precision, WeftCoderNonzeros *nz);
extern PetscErrorCode WeftCoderNonzerosDestroy(WeftCoderNonzeros *nz);
/* Those of the first n rows of z. */
extern void WeftCoderFindNonzeros(const WeftBlock *z, size_t n, WeftCoderNonzeros *nz);
/* y −= Z m, with y's rows in the order of nz. */
extern void WeftCoderSubtractProduct(const WeftCoderNonzeros *nz, const WeftBlock *m, WeftBlock *y);

/* A copy of a matrix in panels of columns, each contiguous and small enough to stay in cache. */
typedef struct {
  size_t    rows, cols, width;
  WeftBlock packed; /* [panels rows, width] */
} WeftCoderPanels;

extern PetscErrorCode WeftCoderPanelsCreate(size_t rows, size_t cols, WeftPrecision precision, WeftCoderPanels *panels);
extern PetscErrorCode WeftCoderPanelsDestroy(WeftCoderPanels *panels);
extern void           WeftCoderPanelsPack(const WeftBlock *m, WeftCoderPanels *panels);
extern void           WeftCoderSubtractPanels(const WeftCoderNonzeros *nz, const WeftCoderPanels *panels, WeftBlock *y);
extern void           WeftCoderCopyRow(const WeftBlock *from, size_t i, WeftBlock *to, size_t j);
/* Does no group's correlation pass the threshold in row i? Then zero is the code. */
extern PetscBool WeftCoderCodeIsZero(const WeftCoder coder, const WeftBlock *c, size_t i);
/* Row i in place: each group v_g becomes the z that minimises  t‖z‖ + ½ r‖z‖² + ½ s‖z − v_g‖²,  r = r_g or 0. */
extern void WeftCoderShrink(const WeftCoder coder, double s, PetscBool with_ridge, WeftBlock *v, size_t i);

/* Do two rows differ by little more than rounding, at the length of the first? */
extern PetscBool WeftCoderRowsAlike(const WeftBlock *a, size_t i, const WeftBlock *b, size_t j);

/* The samples that a type working on whole batches has yet to finish: row j of its blocks is sample index[j]. */
typedef struct {
  size_t    n;
  size_t   *index;
  double   *best; /* smallest gap so far: its code is in the batch */
  WeftBlock seen; /* [n, k] the code that movement is measured from */
  int      *idle; /* checks since the code moved away from it */
} WeftCoderRows;

extern PetscErrorCode WeftCoderRowsCreate(const WeftCoder coder, size_t n, WeftCoderRows *rows); /* all n of them */
extern PetscErrorCode WeftCoderRowsDestroy(WeftCoderRows *rows);
/* Row j of to becomes row index[j] of from. */
extern void WeftCoderRowsGather(const WeftCoderRows *rows, const WeftBlock *from, WeftBlock *to);
/* q = c − G z of the unfinished. */
extern PetscErrorCode WeftCoderRowsCorrelate(const WeftCoder coder, const WeftCoderBatch *batch,
                                             const WeftCoderRows *rows, const WeftBlock *z, WeftBlock *q);
/* Looks at the gap of every unfinished sample's code z, q = c − G z. Codes better than before go to the batch; samples
   at the target, and those whose code has stood still for max_idle checks, leave: a gap that does not fall for long is
   no reason, as it may rise while the objective falls. The rest move to the front of every
   block in the NULL-ended list (z and q too if they are in it), whose rows become rows->n. */
extern void WeftCoderRowsCheck(const WeftCoder coder, WeftCoderBatch *batch, double target, int max_idle,
                               const WeftBlock *z, const WeftBlock *q, WeftBlock *const blocks[], WeftCoderRows *rows);

extern PetscErrorCode WeftCoderRegisterAll(void);
