/* Block coordinate descent on working sets, in Gram form.

   Each group's atoms are rotated so that their own Gram block D_gᵀD_g is diagonal (the penalty depends on ‖z_g‖ only,
   so it does not notice): a group is then minimised exactly by one scalar equation (weft/group.h). A sample's working
   set holds its active groups and those whose correlation with the residual passes the threshold. The problem of the
   set is solved with the set's own Gram matrix alone; then all groups are looked at, and so on until none is missing.
   The samples of a batch go through these rounds together, so that each row of the Gram matrix is read once per round
   for all of them. */
#include "bcdimpl.h"
#include <petscblaslapack.h>

/* Symmetric eigenproblem of order p, overwriting block by its eigenvectors. A block that is not all numbers, at which
   LAPACK would fail, is left unturned: the certificate reports what it comes from. */
static PetscErrorCode Eigen(int p, double block[], double values[], double work[], PetscBLASInt work_size)
{
  PetscBLASInt n = p, info;
  double       sum = 0;

  PetscFunctionBegin;
  for (int a = 0; a < p * p; ++a) sum += PetscAbsReal(block[a]);
  if (!(sum <= PETSC_MAX_REAL)) {
    for (int a = 0; a < p * p; ++a) block[a] = a % (p + 1) ? 0.0 : 1.0;
    for (int i = 0; i < p; ++i) values[i] = 0;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
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

/* Where a code of a restricted problem stands. */
typedef struct {
  double primal, gap;
} Value;

static size_t Padded(size_t n)
{
  return (n + PADDING - 1) / PADDING * PADDING;
}

#define REAL    float
#define ROOT(x) sqrtf(x)
#define NAME(x) x##Single
#include "setkernel.h"
#include "localkernel.h"
#include "sweepkernel.h"
#include "newtonkernel.h"
#include "solvekernel.h"
#undef REAL
#undef ROOT
#undef NAME
#define REAL    double
#define ROOT(x) sqrt(x)
#define NAME(x) x##Double
#include "setkernel.h"
#include "localkernel.h"
#include "sweepkernel.h"
#include "newtonkernel.h"
#include "solvekernel.h"
#undef REAL
#undef ROOT
#undef NAME

#define BY_PRECISION(b, name) ((b)->gram.precision == WEFT_SINGLE ? name##Single : name##Double)

static PetscErrorCode FreeBatch(BCD *b)
{
  Sets *s = &b->sets;

  PetscFunctionBegin;
  PetscCall(PetscFree3(b->index, b->idle, b->inner));
  PetscCall(WeftBlockDestroy(&b->q));
  PetscCall(WeftCoderNonzerosDestroy(&b->nonzeros));
  PetscCall(WeftCoderNonzerosDestroy(&b->next));
  PetscCall(PetscFree7(s->row, s->start, s->offset, s->group, s->head, s->sample, s->place));
  b->capacity = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(BCD *b)
{
  PetscFunctionBegin;
  PetscCall(FreeBatch(b));
  PetscCall(WeftCoderPanelsDestroy(&b->panels));
  PetscCall(WeftBlockDestroy(&b->gram));
  PetscCall(WeftBlockDestroy(&b->into));
  PetscCall(WeftBlockDestroy(&b->back));
  PetscCall(WeftBlockDestroy(&b->diagonal));
  PetscCall(WeftBlockDestroy(&b->square));
  PetscCall(WeftBlockDestroy(&b->local));
  PetscCall(WeftBlockDestroy(&b->sets.gram));
  PetscCall(PetscFree3(b->active, b->norms, b->ridge));
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
  PetscCall(WeftCoderPanelsCreate(k, k, precision, &b->panels));
  PetscCall(WeftBlockCreate(k, k, precision, &b->gram));
  PetscCall(WeftBlockCreate(k, p, precision, &b->into));
  PetscCall(WeftBlockCreate(k, p, precision, &b->back));
  PetscCall(WeftBlockCreate(1, k, precision, &b->diagonal));
  PetscCall(WeftBlockCreate(1, G, precision, &b->square));
  PetscCall(WeftBlockCreate(LocalVectorsDouble, Padded(k), precision, &b->local));
  PetscCall(PetscMalloc3(k + 1, &b->active, G, &b->norms, G, &b->ridge)); /* one more: the list is written, then kept */
  b->group_size = coder->group_size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReserveBatch(WeftCoder coder, BCD *b, size_t n)
{
  const size_t G = (size_t)coder->groups;
  Sets        *s = &b->sets;

  PetscFunctionBegin;
  if (n <= b->capacity && b->q.cols == coder->k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FreeBatch(b));
  PetscCall(PetscMalloc3(n, &b->index, n, &b->idle, n, &b->inner));
  PetscCall(WeftBlockCreate(n, coder->k, coder->atoms.precision, &b->q));
  PetscCall(WeftCoderNonzerosCreate(n, coder->k, coder->atoms.precision, &b->nonzeros));
  PetscCall(WeftCoderNonzerosCreate(n, coder->k, coder->atoms.precision, &b->next));
  PetscCall(PetscMalloc7(n, &s->row, n + 1, &s->start, n + 1, &s->offset, n * G, &s->group, G + 1, &s->head, n * G,
                         &s->sample, n * G, &s->place));
  b->capacity = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp_BCD(WeftCoder coder)
{
  BCD *b = coder->data;

  PetscFunctionBegin;
  PetscCall(Allocate(coder, b));
  PetscCall(DiagonaliseGroups(coder, b));
  BY_PRECISION(b, RotateGram)(coder, b);
  WeftCoderPanelsPack(&coder->gram, &b->panels);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* q = c − G z of the samples that are left, anew, so that nothing drifts. */
static void Correlate(const WeftCoderBatch *batch, BCD *b)
{
  b->q.rows = b->left;
  for (size_t j = 0; j < b->left; ++j) WeftCoderCopyRow(&batch->c, b->index[j], &b->q, j);
  WeftCoderSubtractPanels(&b->nonzeros, &b->panels, &b->q);
}

/* Does sample j need no further round? Leaves its squares in b. Also sets how far the next round is to go. */
static PetscBool IsDone(WeftCoder coder, const WeftCoderBatch *batch, size_t j, double target, BCD *b)
{
  double largest, primal, gap;

  largest = sqrt(BY_PRECISION(b, Squares)(coder, b, j));
  if (coder->any_ridge || !(coder->threshold > 0))
    WeftCoderGramGap(coder, batch, b->index[j], &batch->z, b->index[j], &b->q, j, &primal, &gap);
  else
    gap = BY_PRECISION(b, WholeGap)(coder, b, batch, j, largest);
  b->inner[j] = PetscMax(0.3 * target, FIRST_ACCURACY * gap);
  return gap <= target || b->idle[j] >= MAX_IDLE_ROUNDS ? PETSC_TRUE : PETSC_FALSE;
}

/* Working sets of the samples from first on that are not done, as many as fit the room for their Gram matrices, at
   least one. Returns in next the sample to go on with. */
static PetscErrorCode ChooseSets(WeftCoder coder, const WeftCoderBatch *batch, double target, size_t first, BCD *b,
                                 size_t *next)
{
  const size_t p = (size_t)coder->group_size, room = SETS_BYTES / WeftPrecisionBytes(b->gram.precision);
  Sets        *s = &b->sets;

  PetscFunctionBegin;
  s->samples = s->start[0] = s->offset[0] = 0;
  for (*next = first; *next < b->left; ++*next) {
    const size_t j = s->samples;
    size_t       n, need;
    int          joined = 0;
    if (IsDone(coder, batch, *next, target, b)) continue;
    n = (size_t)BY_PRECISION(b, ChooseSet)(coder, b, *next, target, s->group + s->start[j], &joined);
    need = n * p * Padded(n * p);
    if (j && s->offset[j] + need > room) break;
    if (!joined) b->inner[*next] = 0.3 * target * pow(0.1, ++b->idle[*next]);
    s->row[j] = *next;
    s->start[j + 1] = s->start[j] + n;
    s->offset[j + 1] = s->offset[j] + need;
    ++s->samples;
  }
  if (s->offset[s->samples] > s->gram.cols) {
    PetscCall(WeftBlockDestroy(&s->gram));
    PetscCall(WeftBlockCreate(1, PetscMax(room, s->offset[s->samples]), b->gram.precision, &s->gram));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lists for each group the sets that it is in. */
static void SortByGroup(WeftCoder coder, Sets *s)
{
  size_t at = 0;

  for (int g = 0; g <= coder->groups; ++g) s->head[g] = 0;
  for (size_t e = 0; e < s->start[s->samples]; ++e) ++s->head[s->group[e]];
  for (int g = 0; g <= coder->groups; ++g) { /* ends of the lists, from which they fill downwards */
    at += s->head[g];
    s->head[g] = at;
  }
  for (size_t j = s->samples; j-- > 0;) {
    for (size_t e = s->start[j + 1]; e-- > s->start[j];) {
      const size_t to = --s->head[s->group[e]];
      s->sample[to] = (int)j;
      s->place[to] = (int)(e - s->start[j]);
    }
  }
}

static void SwapNonzeros(BCD *b)
{
  const WeftCoderNonzeros other = b->nonzeros;

  b->nonzeros = b->next;
  b->next = other;
}

/* The samples of the sets go on to the next round, in the order in which their codes' nonzeros were written for it:
   over entries that have been read. */
static void KeepSets(BCD *b, size_t *left)
{
  for (size_t j = 0; j < b->sets.samples; ++j) {
    b->index[*left] = b->index[b->sets.row[j]];
    b->idle[(*left)++] = b->idle[b->sets.row[j]];
  }
}

/* One round: each sample that is not done gets a working set and solves its restricted problem. */
static PetscErrorCode Round(WeftCoder coder, WeftCoderBatch *batch, double target, BCD *b)
{
  size_t left = 0;

  PetscFunctionBegin;
  b->next.rows = 0;
  for (size_t first = 0, next; first < b->left; first = next) {
    PetscCall(ChooseSets(coder, batch, target, first, b, &next));
    SortByGroup(coder, &b->sets);
    BY_PRECISION(b, Gather)(coder, b);
    BY_PRECISION(b, SolveSets)(coder, b, batch);
    KeepSets(b, &left);
  }
  b->left = left;
  SwapNonzeros(b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve_BCD(WeftCoder coder, WeftCoderBatch *batch, double target)
{
  BCD *b = coder->data;

  PetscFunctionBegin;
  PetscCall(ReserveBatch(coder, b, batch->n));
  b->left = batch->n;
  for (size_t j = 0; j < batch->n; ++j) {
    b->index[j] = j;
    b->idle[j] = 0;
  }
  WeftCoderFindNonzeros(&batch->z, batch->n, &b->nonzeros);
  for (int round = 0; round < MAX_ROUNDS && b->left; ++round) {
    Correlate(batch, b);
    PetscCall(Round(coder, batch, target, b));
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
  coder->data = b;
  coder->ops->setup = SetUp_BCD;
  coder->ops->solve = Solve_BCD;
  coder->ops->destroy = Destroy_BCD;
  PetscFunctionReturn(PETSC_SUCCESS);
}
