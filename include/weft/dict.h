/* The dictionary: D [d, k] and with it the connectivity, its rows spread over the ranks; the statistics that its step
   needs; the step. Unless said otherwise the functions are collective over the communicator. */
#pragma once
#include <weft/codes.h>
#include <weft/options.h>
#include <petscmat.h>

/* ---- statistics: A = ZᵀZ/n and B = XᵀZ/n ---- */

/* Sums of a rank's own samples: B atom by atom, so that a code adds whole rows. a and b are in the given precision. */
typedef struct {
  size_t        d, k;
  int           group_size, groups;
  WeftPrecision precision;
  PetscInt64    samples;
  PetscBool     empty; /* nothing added since all was zero */
  void         *a;     /* Σ z zᵀ, the upper triangle, row after row, each from its group's first column on */
  void         *b;     /* [k, d] Σ z xᵀ */
  double       *count; /* [G] samples in which the group is active */
} WeftStatistics;

/* Not collective. precision: single takes half the memory and time; its rounding, 6e-8 a sum, grows with the samples
   that are added up, so it is for thousands of them. */
extern PetscErrorCode WeftStatisticsCreate(size_t d, size_t k, int group_size, WeftPrecision precision,
                                           WeftStatistics *statistics);
extern PetscErrorCode WeftStatisticsDestroy(WeftStatistics *statistics);
extern PetscErrorCode WeftStatisticsClear(WeftStatistics *statistics);
/* Where in a row i begins, at its group's first column; of i = k: how many numbers there are, k (k + p) / 2. */
extern size_t WeftStatisticsRow(const WeftStatistics *statistics, size_t i);
/* Adds samples x [n, d] with their codes; sums in single take samples in single only. Costs 2 (active)² + 2 (active) d
   flops per sample; works group by group on up to 1024 samples, whose active groups are put in order (16 bytes each).
   */
extern PetscErrorCode WeftStatisticsAdd(WeftStatistics *statistics, const WeftBlock *x, const WeftCodes *codes);

/* WeftStatisticsFold - the means over all ranks' samples go into running means:
     A := (1 − weight) A + weight ZᵀZ/n      [k, k], sequential, on every rank, as every rank multiplies its rows of D
   by all of it: its upper triangle by one all-reduce B := (1 − weight) B + weight XᵀZ/n      [d, k], rows as in D: by
   one reduce-scatter and usage [G] := fraction of samples, sizes [G] := ‖Z_g‖_F/√n of these samples alone (NULL: not
   wanted), with n, samples in all, by one all-reduce. A and B may both be NULL; else the statistics are left cleared,
   which costs less on the way than afterwards. precision: what A and B travel in, single in any case where the sums
   are; so single rounds each rank's sum in double once, to 6e-8 of it. On one rank nothing travels. Where n is 0 the
   means are zero. The same rank count gives the same bits. */
extern PetscErrorCode WeftStatisticsFold(MPI_Comm comm, WeftStatistics *statistics, WeftPrecision precision,
                                         double weight, Mat A, Mat B, double usage[], double sizes[], PetscInt64 *n);
/* WeftStatisticsReduce - the means alone, in the precision of the sums. */
extern PetscErrorCode WeftStatisticsReduce(MPI_Comm comm, WeftStatistics *statistics, Mat A, Mat B, double usage[],
                                           PetscInt64 *n);

/* ---- dictionary ---- */

typedef struct _n_WeftDict *WeftDict;

extern const WeftOption WeftDictOptions[];

/* Zero atoms, every group alive. k a multiple of group_size. */
extern PetscErrorCode WeftDictCreate(MPI_Comm comm, PetscInt d, PetscInt k, int group_size, WeftDict *dict);
extern PetscErrorCode WeftDictDestroy(WeftDict *dict);
extern PetscErrorCode WeftDictSetFromOptions(WeftDict dict);
/* How far a step goes: until a pass changes D by less than rtol relative, or max_iterations passes. Not collective. */
extern PetscErrorCode WeftDictSetTolerances(WeftDict dict, double rtol, int max_iterations);
/* Of the products in a step; everything else is in double. Default: double. Not collective. */
extern PetscErrorCode WeftDictSetPrecision(WeftDict dict, WeftPrecision precision);
/* WeftDictSettle - after the last step: D in double becomes what it is in the precision, and what steps hold goes. Not
   collective. */
extern PetscErrorCode WeftDictSettle(WeftDict dict, WeftPrecision precision);
/* The matrix, borrowed: dense, rows over ranks in PETSc's even layout, double. Not collective. */
extern PetscErrorCode WeftDictGetMat(WeftDict dict, Mat *D);
/* A matrix of D's shape and layout (for B), the caller's. */
extern PetscErrorCode WeftDictCreateLike(WeftDict dict, Mat *M);
/* [G], 1 = alive; borrowed. The same on every rank. Not collective. */
extern PetscErrorCode WeftDictGetAlive(WeftDict dict, unsigned char **alive);
extern PetscInt       WeftDictCountAlive(WeftDict dict); /* Not collective. */

/* Atom a := atom / ‖atom‖ (zero stays zero); atom [d] is known to every rank. */
extern PetscErrorCode WeftDictSetAtom(WeftDict dict, PetscInt a, const double atom[]);
/* A removed group has zero columns for ever, in D and in the statistics. A, B may be NULL. */
extern PetscErrorCode WeftDictRemoveGroup(WeftDict dict, PetscInt g, Mat A, Mat B);
/* Forgets what the statistics say about a group, whose atoms were replaced. */
extern PetscErrorCode WeftStatisticsForgetGroup(Mat A, Mat B, int group_size, PetscInt g);
/* All atoms as rows [k, d] on every rank, in the block's precision: what the coder works with. One all-gather in that
 * precision, and for it another block of that size. */
extern PetscErrorCode WeftDictGather(WeftDict dict, WeftBlock *atoms);

/* strongest[g] = max_j ‖M_jg‖, over all rows of a matrix laid out as D. */
extern PetscErrorCode WeftDictStrongest(WeftDict dict, Mat M, double strongest[]);
/* Number of C_jg = ‖D_jg‖ that are not zero, and Σ_j Σ_g weight[g] C_jg. weight may be NULL. */
extern PetscErrorCode WeftDictConnections(WeftDict dict, const double weight[], PetscInt64 *nonzeros, double *penalty);

/* What a step did. */
typedef struct {
  int       iterations;    /* passes */
  double    before, after; /* sub-objective */
  PetscBool converged;
} WeftDictResult;

/* WeftDictStep - the dictionary and connectivity step
     min over D of  F(D) = ½ tr(D A Dᵀ) − tr(BᵀD) + Σ_j Σ_g w_g ‖D_jg‖₂,   ‖d_a‖₂ <= 1,      w_g = γ_g √p,
   by passes over blocks of 64 atoms (whole groups). A block takes a proximal gradient step given all the others, those
   before it moved already, in the metric of A's diagonal: steps m_a = κ A_aa with κ over half the largest eigenvalue of
   the block of A scaled to unit diagonal. The proximal map is exact: with multipliers ν_a >= 0 of the norm bounds,
   (m_a + ν_a) D_ja + w_g D_ja/‖D_jg‖ = T_ja, T = m_a D_ja − gradient; rows given ν by WeftGroupSolveMany(), ν by a
   fixed point. Rows below the threshold are exactly zero. F never rises: a pass that would raise it is repeated with
   shorter steps. A norm over the bound at the start is scaled to it first. Groups that are not alive stay zero.
   Each rank computes 2 d_loc k (k + 64) flops per pass, or that times the density of D where it is low: nothing but
   products with A, in the dictionary's precision; all else is O(d_loc k) and in double, as are D, its norms and F.
   Each rank sends k + k/64 numbers, then in each pass, for each block and iteration of the fixed point (one for p = 1
   or w = 0, else about three), as many numbers as it has atoms: at k = 1024 some 100 small reductions per step, or 2.5
   ms where one takes 25 μs, as over 4,096 ranks. Memory that stays with the dictionary from its first step on: d_loc
   k doubles and d_loc k numbers of the precision, d_loc G ints, k² numbers of the precision that A is copied to, and
   for the block 128 d_loc numbers of the precision and (192 + p) d_loc doubles. */
extern PetscErrorCode WeftDictStep(WeftDict dict, Mat A, Mat B, const double weight[], WeftDictResult *result);
