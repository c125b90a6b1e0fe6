/* The coder: per sample,  min over z of  ½‖x − D z‖² + λ√p Σ_g ‖z_g‖₂ + ½ Σ_g r_g ‖z_g‖²,
   solved to a certified relative duality gap. Used like a KSP: create, set type and options, give it a dictionary and
   weights, solve for many samples. Local to a rank (PETSC_COMM_SELF): samples separate. */
#pragma once
#include <weft/codes.h>
#include <weft/options.h>

typedef struct _p_WeftCoder *WeftCoder;
typedef const char          *WeftCoderType;
#define WEFTCODERBCD   "bcd"   /* block coordinate descent on a working set: the default */
#define WEFTCODERFISTA "fista" /* accelerated proximal gradient, a check */
#define WEFTCODERADMM  "admm"  /* alternating direction method of multipliers, a check */

typedef enum {
  WEFT_CODER_CONVERGED_GAP = 1, /* every sample's relative gap is at or under rtol */
  WEFT_CODER_CONVERGED_KKT = 2, /* λ = 0: every sample's KKT residual is */
  WEFT_CODER_ITERATING = 0,
  WEFT_CODER_DIVERGED_ITS = -1, /* some sample is not there after the allowed rounds */
  WEFT_CODER_DIVERGED_NAN = -2  /* some sample's objective or gap is not a number */
} WeftCoderConvergedReason;

/* What the last WeftCoderSolve() reached, over its samples. */
typedef struct {
  size_t                   samples, active_groups; /* active_groups: sum over samples */
  double                   objective;              /* Σ_i P_i */
  double                   reconstruction;         /* Σ_i ½‖x_i − D z_i‖² */
  double                   sum_gap, max_gap;       /* relative gaps; at λ = 0 the KKT residuals instead */
  WeftCoderConvergedReason reason;
} WeftCoderResult;
/* WeftCoderResultAdd - adds what was reached over some samples to what was over others; the worse reason stands. */
extern void WeftCoderResultAdd(const WeftCoderResult *part, WeftCoderResult *sum);

/* The options that WeftCoderSetFromOptions() reads. */
extern const WeftOption WeftCoderOptions[];

/* None of these is collective. Create: type bcd, rtol 1e-3. */
extern PetscErrorCode WeftCoderCreate(WeftCoder *coder);
extern PetscErrorCode WeftCoderDestroy(WeftCoder *coder);
extern PetscErrorCode WeftCoderSetType(WeftCoder coder, WeftCoderType type); /* unknown: a user's mistake */
extern PetscErrorCode WeftCoderGetType(WeftCoder coder, WeftCoderType *type);
/* "a_": -a_weft_coder_type and so on go before -weft_coder_type. */
extern PetscErrorCode WeftCoderSetOptionsPrefix(WeftCoder coder, const char prefix[]);
extern PetscErrorCode WeftCoderSetFromOptions(WeftCoder coder);
/* rtol: bound on every sample's relative gap; rounds: how often the type is called again with a tighter target. */
extern PetscErrorCode WeftCoderSetTolerances(WeftCoder coder, double rtol, int max_rounds);
/* Iterations within a round: on a batch, or for bcd sweeps over a working set. Default 20000. */
extern PetscErrorCode WeftCoderSetMaxIterations(WeftCoder coder, int max_iterations);
/* Keep a sample's warm start where the new code's objective is not lower: the sum over samples then never rises. */
extern PetscErrorCode WeftCoderSetMonotone(WeftCoder coder, PetscBool monotone);

/* WeftCoderSetDictionary - the atoms as the k rows of a block [k, d]; group g holds atoms gp .. gp + p − 1. The block
   is used, not copied, until the next call: it must stay as it is. Its precision is that of the hot path. */
extern PetscErrorCode WeftCoderSetDictionary(WeftCoder coder, const WeftBlock *atoms, int group_size);
/* WeftCoderSetGram - those atoms' Gram matrix [k, k] in their precision, where the caller has it, as ranks may share
   the work of making it; else the coder makes it. Used, not copied, until the next WeftCoderSetDictionary(). */
extern PetscErrorCode WeftCoderSetGram(WeftCoder coder, const WeftBlock *gram);
/* WeftCoderSetPenalty - λ >= 0 and the ridge r_g >= 0 of each group (copied; NULL: none). */
extern PetscErrorCode WeftCoderSetPenalty(WeftCoder coder, double lambda, const double ridge[]);
extern PetscErrorCode WeftCoderSetUp(WeftCoder coder);

/* WeftCoderSolve - codes of the samples in the rows of x [n, d]. warm: codes to start from, n of them, or NULL.
   codes: created by the caller, another object than warm, filled with n samples. Not converging is a reason in the
   result, not an error. The gap of sample i is (P_i − dual_i) / max(P_i, 1e-12 ½‖x_i‖²), with the dual point a scaled
   residual, evaluated from x, D and z anew and not from what the type carried along; 0 for x_i = 0. At λ = 0 a scaled
   residual need not come near the dual's optimum, and max_g ‖D_gᵀ(x − D z) − r_g z_g‖ / max_g ‖D_gᵀx‖ stands instead.
   A sample with all ‖D_gᵀx‖ <= λ√p gets the code zero exactly, whatever it starts from. */
extern PetscErrorCode WeftCoderSolve(WeftCoder coder, const WeftBlock *x, const WeftCodes *warm, WeftCodes *codes,
                                     WeftCoderResult *result);
/* Per-sample values of the last solve, in its order; valid until the next. */
extern PetscErrorCode WeftCoderGetSamples(WeftCoder coder, const double *objective[], const double *gap[]);

/* Called after each round on a block of samples: how many were solved to the target gap, how many of them still miss
   rtol (none in the last round, which accepts what there is). One monitor; NULL: none. */
typedef PetscErrorCode (*WeftCoderMonitor)(WeftCoder coder, int round, size_t samples, size_t left, double target,
                                           void *ctx);
extern PetscErrorCode WeftCoderMonitorSet(WeftCoder coder, WeftCoderMonitor monitor, void *ctx);
extern PetscErrorCode WeftCoderView(WeftCoder coder, PetscViewer viewer);
/* Makes a type known by its name. */
extern PetscErrorCode WeftCoderRegister(const char name[], PetscErrorCode (*create)(WeftCoder));
extern const char    *WeftCoderReasonName(WeftCoderConvergedReason reason);
