/* Block coordinate descent on a working set, in Gram form.

   Each group's atoms are rotated so that their own Gram block D_gᵀD_g is diagonal (the penalty depends on ‖z_g‖ only,
   so it does not notice): a group is then minimised exactly by one scalar equation (weft/group.h). A sample's working
   set holds its active groups and those whose correlation with the residual passes the threshold; sweeps touch the
   working set's own Gram matrix alone, until the gap of the problem restricted to it is small; then all groups are
   looked at. */
#include "../../coderimpl.h"
#include <petscblaslapack.h>

typedef struct {
  WeftBlock gram;     /* [k, k] of the rotated atoms */
  WeftBlock into;     /* [k, p] row gp + j: what coefficient j of group g adds to the p rotated ones, row j of Q_g */
  WeftBlock back;     /* [k, p] the same for the way back, column j of Q_g */
  WeftBlock diagonal; /* [k] eigenvalues of the diagonal blocks */
  /* Work space of one sample; the Gram matrix of the working set grows with it. */
  WeftBlock full;              /* [3, k] rotated c, z, and q = c − G z */
  WeftBlock local;             /* [5, k] c, z, q of the working set; b and the step of one group */
  WeftBlock sub;               /* [capacity p, capacity p] Gram matrix of the working set */
  int      *set, *place, size; /* groups in the working set; place of a group in it or -1; how many */
  double   *norms, *ridge;     /* [G] of all groups; of the working set */
  int       max_sets;
  int       group_size; /* that the arrays are made for */
} BCD;

/* Symmetric eigenproblem of order p, overwriting block by its eigenvectors. */
static PetscErrorCode Eigen(int p, double block[], double values[], double work[], PetscBLASInt work_size)
{
  PetscBLASInt n = p, info;

  PetscFunctionBegin;
  LAPACKsyev_("V", "U", &n, block, &n, values, work, &work_size, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev: info %d", (int)info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An eigenvalue within the Gram matrix's rounding is none: dividing by it would make codes out of noise. */
static double SignificantEigenvalue(double value, double largest, size_t p, WeftPrecision precision)
{
  const double epsilon = precision == WEFT_SINGLE ? 1.2e-7 : 2.3e-16;

  return value > 8.0 * (double)p * epsilon * largest ? value : 0.0;
}

static PetscErrorCode DiagonaliseGroups(WeftCoder coder, BCD *b)
{
  const size_t       p = (size_t)coder->group_size;
  const PetscBLASInt work_size = (PetscBLASInt)(34 * p);
  double            *q, *values, *work;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(p * p, &q, p, &values, (size_t)work_size, &work));
  for (size_t g = 0; g < (size_t)coder->groups; ++g) {
    for (size_t i = 0; i < p; ++i)
      for (size_t j = 0; j < p; ++j) q[i * p + j] = WeftBlockGet(&coder->gram, g * p + i, g * p + j);
    PetscCall(Eigen((int)p, q, values, work, work_size));
    for (size_t i = 0; i < p; ++i) { /* eigenvector i stands at q + i p */
      WeftBlockSet(&b->diagonal, 0, g * p + i,
                   SignificantEigenvalue(values[i], values[p - 1], p, coder->atoms.precision)); /* ascending */
      for (size_t j = 0; j < p; ++j) {
        WeftBlockSet(&b->into, g * p + j, i, q[i * p + j]);
        WeftBlockSet(&b->back, g * p + i, j, q[i * p + j]);
      }
    }
  }
  PetscCall(PetscFree3(q, values, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define REAL    float
#define NAME(x) x##Single
#include "bcdkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "bcdkernel.h"

static PetscErrorCode Free(BCD *b)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&b->gram));
  PetscCall(WeftBlockDestroy(&b->into));
  PetscCall(WeftBlockDestroy(&b->back));
  PetscCall(WeftBlockDestroy(&b->diagonal));
  PetscCall(WeftBlockDestroy(&b->full));
  PetscCall(WeftBlockDestroy(&b->local));
  PetscCall(WeftBlockDestroy(&b->sub));
  PetscCall(PetscFree4(b->set, b->place, b->norms, b->ridge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(WeftCoder coder, BCD *b)
{
  const size_t        k = coder->k, G = (size_t)coder->groups, p = (size_t)coder->group_size;
  const WeftPrecision precision = coder->atoms.precision;

  PetscFunctionBegin;
  if (b->gram.rows == k && b->gram.precision == precision && b->group_size == coder->group_size)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Free(b));
  PetscCall(WeftBlockCreate(k, k, precision, &b->gram));
  PetscCall(WeftBlockCreate(k, p, precision, &b->into));
  PetscCall(WeftBlockCreate(k, p, precision, &b->back));
  PetscCall(WeftBlockCreate(1, k, precision, &b->diagonal));
  PetscCall(WeftBlockCreate(3, k, precision, &b->full));
  PetscCall(WeftBlockCreate(5, k, precision, &b->local));
  PetscCall(PetscMalloc4(G, &b->set, G, &b->place, G, &b->norms, G, &b->ridge));
  for (size_t g = 0; g < G; ++g) b->place[g] = -1;
  b->group_size = coder->group_size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_BCD(WeftCoder coder)
{
  BCD *b = coder->data;

  PetscFunctionBegin;
  PetscCall(Allocate(coder, b));
  PetscCall(DiagonaliseGroups(coder, b));
  if (coder->atoms.precision == WEFT_SINGLE)
    RotateGramSingle(coder, b);
  else
    RotateGramDouble(coder, b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve_BCD(WeftCoder coder, WeftCoderBatch *batch, double target)
{
  BCD *b = coder->data;

  PetscFunctionBegin;
  for (size_t i = 0; i < batch->n; ++i) {
    if (coder->atoms.precision == WEFT_SINGLE)
      PetscCall(SolveSampleSingle(coder, b, batch, i, target));
    else
      PetscCall(SolveSampleDouble(coder, b, batch, i, target));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_BCD(WeftCoder coder)
{
  PetscFunctionBegin;
  PetscCall(Free(coder->data));
  PetscCall(PetscFree(coder->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderCreate_BCD(WeftCoder coder);
PetscErrorCode WeftCoderCreate_BCD(WeftCoder coder)
{
  BCD *b;

  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  b->max_sets = 200;
  coder->data = b;
  coder->ops->setup = SetUp_BCD;
  coder->ops->solve = Solve_BCD;
  coder->ops->destroy = Destroy_BCD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
