/* The loop around every type: correlations by GEMM, the type's solve, the certificate, again for what missed it. */
#include "../coderimpl.h"

enum { BLOCK_SAMPLES = 256 }; /* the blocks [256, k] of a batch stay in cache for usual k */

/* What the certificate says of a code. */
typedef struct {
  double primal, reconstruction, gap;
} Value;

/* Work space of one solve: the samples of a block that are not certified yet, moved to the front. */
typedef struct {
  WeftCoderBatch    batch;
  WeftBlock         x, rho, u; /* [n, d], [n, d], [n, k] */
  WeftCoderNonzeros nonzeros;  /* of the codes */
  WeftBlock         done;      /* [block, k] certified codes, in the block's order */
  size_t           *index;     /* [n] place in the block */
  Value            *warm;      /* [block] a monotone coder's warm starts, in the block's order */
} Work;

static PetscErrorCode WorkCreate(const WeftCoder coder, size_t n, Work *w)
{
  const WeftPrecision precision = coder->atoms.precision;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(n, coder->k, precision, &w->batch.c));
  PetscCall(WeftBlockCreate(n, coder->k, precision, &w->batch.z));
  PetscCall(WeftBlockCreate(n, coder->d, precision, &w->x));
  PetscCall(WeftBlockCreate(n, coder->d, precision, &w->rho));
  PetscCall(WeftBlockCreate(n, coder->k, precision, &w->u));
  PetscCall(WeftBlockCreate(n, coder->k, precision, &w->done));
  PetscCall(WeftCoderNonzerosCreate(n, coder->k, precision, &w->nonzeros));
  PetscCall(PetscMalloc3(n, &w->index, n, &w->warm, n, &w->batch.square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkDestroy(Work *w)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&w->batch.c));
  PetscCall(WeftBlockDestroy(&w->batch.z));
  PetscCall(WeftBlockDestroy(&w->x));
  PetscCall(WeftBlockDestroy(&w->rho));
  PetscCall(WeftBlockDestroy(&w->u));
  PetscCall(WeftBlockDestroy(&w->done));
  PetscCall(WeftCoderNonzerosDestroy(&w->nonzeros));
  PetscCall(PetscFree3(w->index, w->warm, w->batch.square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCoderCopyRow(const WeftBlock *from, size_t i, WeftBlock *to, size_t j)
{
  const size_t bytes = from->cols * WeftPrecisionBytes(from->precision);

  if (i == j && from->values.v == to->values.v) return;
  (void)PetscMemcpy((char *)to->values.v + j * bytes, (const char *)from->values.v + i * bytes, bytes);
}

static void SetRows(Work *w, size_t n)
{
  w->batch.n = w->batch.c.rows = w->batch.z.rows = w->x.rows = w->rho.rows = w->u.rows = n;
}

/* ‖z_g‖² of the group whose nonzeros of row i begin at entry `from`; next: where those of another begin. */
static double GroupSquare(const WeftCoderNonzeros *nz, size_t p, size_t i, size_t from, size_t *next)
{
  const size_t g = (size_t)nz->column[from] / p;
  double       square = 0;

  for (*next = from; *next < nz->start[i + 1] && (size_t)nz->column[*next] / p == g; ++*next) {
    const double z = WeftBlockGet(&nz->value, 0, *next);
    square += z * z;
  }
  return square;
}

/* A group whose correlation meets the threshold exactly, as where two groups hold the same atoms or samples are equal,
   gets a code out of rounding or none: by chance it would count as active. Such codes are zero, which changes P by less
   than its rounding. PETSC_TRUE: there were some. */
static PetscBool DropNegligible(WeftCoder coder, Work *w)
{
  const WeftCoderNonzeros *nz = &w->nonzeros;
  const double             least = (w->x.precision == WEFT_SINGLE ? 1e-5 : 1e-8) * coder->threshold;
  PetscBool                any = PETSC_FALSE;

  for (size_t i = 0; i < nz->rows; ++i) {
    for (size_t from = nz->start[i], next; from < nz->start[i + 1]; from = next) {
      if (!(GroupSquare(nz, (size_t)coder->group_size, i, from, &next) < least * least)) continue;
      for (size_t e = from; e < next; ++e) WeftBlockSet(&w->batch.z, i, (size_t)nz->column[e], 0.0);
      any = PETSC_TRUE;
    }
  }
  return any;
}

/* ρ and its correlations anew, for all rows. */
static PetscErrorCode Residuals(WeftCoder coder, Work *w)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < w->batch.n; ++i) WeftCoderCopyRow(&w->x, i, &w->rho, i);
  WeftCoderFindNonzeros(&w->batch.z, w->batch.n, &w->nonzeros);
  if (DropNegligible(coder, w)) WeftCoderFindNonzeros(&w->batch.z, w->batch.n, &w->nonzeros);
  WeftCoderSubtractProduct(&w->nonzeros, &coder->atoms, &w->rho);
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &w->rho, &coder->atoms, 0.0, &w->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Value Evaluate(WeftCoder coder, const Work *w, size_t i)
{
  Value value;

  WeftCoderCertify(coder, &w->x, &w->rho, &w->u, &w->batch, &w->nonzeros, i, &value.primal, &value.reconstruction,
                   &value.gap);
  return value;
}

/* Where to start: the warm code, or zero; and zero wherever that is the solution, which a type would only come near. */
static void LoadStart(WeftCoder coder, const WeftCodes *warm, size_t first, Work *w)
{
  (void)PetscMemzero(w->batch.z.values.v, w->batch.n * coder->k * WeftPrecisionBytes(w->x.precision));
  for (size_t i = 0; i < w->batch.n && warm; ++i)
    if (!WeftCoderCodeIsZero(coder, &w->batch.c, i)) WeftCodesToDense(warm, first + i, &w->batch.z, i);
}

/* Fills the work space with samples [first, first + n). */
static PetscErrorCode Load(WeftCoder coder, const WeftBlock *x, const WeftCodes *warm, size_t first, size_t n, Work *w)
{
  PetscFunctionBegin;
  SetRows(w, n);
  for (size_t i = 0; i < n; ++i) {
    WeftCoderCopyRow(x, first + i, &w->x, i);
    w->batch.square[i] = WeftCoderRowDot(&w->x, i, &w->x, i);
    w->index[i] = i;
  }
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &w->x, &coder->atoms, 0.0, &w->batch.c));
  LoadStart(coder, warm, first, w);
  w->done.rows = n;
  if (!warm || !coder->monotone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Residuals(coder, w));
  for (size_t i = 0; i < n; ++i) w->warm[i] = Evaluate(coder, w, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gap of a warm start kept for its lower objective: the dual value found since is as good a bound for it. */
static double KeptGap(const WeftCoder coder, double square, Value found, Value kept)
{
  const double least = 1e-12 * 0.5 * square, dual = found.primal - found.gap * PetscMax(found.primal, least);

  if (!(coder->threshold > 0)) return kept.gap; /* a KKT residual */
  return PetscMin(kept.gap, PetscMax(kept.primal - dual, 0.0) / PetscMax(kept.primal, least));
}

/* Takes over row i as final; a monotone coder puts the warm start back where it was better. */
static void Accept(WeftCoder coder, const WeftCodes *warm, size_t first, Work *w, size_t i, Value value,
                   WeftCoderResult *result)
{
  const size_t place = w->index[i];

  WeftCoderCopyRow(&w->batch.z, i, &w->done, place);
  if (coder->monotone && warm && !(value.primal <= w->warm[place].primal)) {
    for (size_t a = 0; a < coder->k; ++a) WeftBlockSet(&w->done, place, a, 0.0);
    WeftCodesToDense(warm, first + place, &w->done, place);
    w->warm[place].gap = KeptGap(coder, w->batch.square[i], value, w->warm[place]);
    value = w->warm[place];
  }
  coder->objective[first + place] = value.primal;
  coder->gap[first + place] = value.gap;
  result->reconstruction += value.reconstruction;
}

/* Certifies all rows; accepts those at the tolerance (all of them in the last round) and moves the rest to the front.
 */
static PetscErrorCode Certify(WeftCoder coder, const WeftCodes *warm, size_t first, PetscBool last, Work *w,
                              WeftCoderResult *result)
{
  size_t left = 0;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_CERTIFY));
  PetscCall(Residuals(coder, w));
  for (size_t i = 0; i < w->batch.n; ++i) {
    const Value value = Evaluate(coder, w, i);
    if (value.gap <= coder->rtol || last) {
      Accept(coder, warm, first, w, i, value, result);
      continue;
    }
    WeftCoderCopyRow(&w->batch.c, i, &w->batch.c, left);
    WeftCoderCopyRow(&w->batch.z, i, &w->batch.z, left);
    WeftCoderCopyRow(&w->x, i, &w->x, left);
    w->batch.square[left] = w->batch.square[i];
    w->index[left++] = w->index[i];
  }
  SetRows(w, left);
  PetscCall(WeftEventEnd(WEFT_EVENT_CERTIFY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveBlock(WeftCoder coder, const WeftBlock *x, const WeftCodes *warm, size_t first, size_t n,
                                 Work *w, WeftCodes *codes, WeftCoderResult *result)
{
  double target = 0.5 * coder->rtol; /* half the tolerance, so that few samples miss it by rounding */

  PetscFunctionBegin;
  PetscCall(Load(coder, x, warm, first, n, w));
  for (int round = 1; round <= coder->max_rounds && w->batch.n; ++round) {
    const size_t samples = w->batch.n;
    PetscCall((*coder->ops->solve)(coder, &w->batch, target));
    PetscCall(Certify(coder, warm, first, round == coder->max_rounds ? PETSC_TRUE : PETSC_FALSE, w, result));
    if (coder->monitor) PetscCall((*coder->monitor)(coder, round, samples, w->batch.n, target, coder->monitor_ctx));
    target *= 0.25;
  }
  for (size_t i = 0; i < n; ++i) PetscCall(WeftCodesAppendDense(codes, &w->done, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Summarise(const WeftCoder coder, const WeftCodes *codes, WeftCoderResult *result)
{
  PetscBool bad = PETSC_FALSE;

  for (size_t i = 0; i < coder->samples; ++i) {
    result->objective += coder->objective[i];
    result->sum_gap += coder->gap[i];
    result->max_gap = PetscMax(result->max_gap, coder->gap[i]);
    if (!(PetscAbsReal(coder->objective[i]) <= PETSC_MAX_REAL && coder->gap[i] < PETSC_MAX_REAL)) bad = PETSC_TRUE;
  }
  result->samples = coder->samples;
  result->active_groups = codes->start[codes->samples];
  if (bad)
    result->reason = WEFT_CODER_DIVERGED_NAN;
  else if (!(result->max_gap <= coder->rtol))
    result->reason = WEFT_CODER_DIVERGED_ITS;
  else
    result->reason = coder->threshold > 0 ? WEFT_CODER_CONVERGED_GAP : WEFT_CODER_CONVERGED_KKT;
}

/* Reasons are ordered as they worsen, but for the first two, of which one penalty meets one only. */
void WeftCoderResultAdd(const WeftCoderResult *part, WeftCoderResult *sum)
{
  if (!part->samples) return;
  sum->reason = sum->samples ? PetscMin(sum->reason, part->reason) : part->reason;
  sum->samples += part->samples;
  sum->active_groups += part->active_groups;
  sum->objective += part->objective;
  sum->reconstruction += part->reconstruction;
  sum->sum_gap += part->sum_gap;
  sum->max_gap = PetscMax(sum->max_gap, part->max_gap);
}

static PetscErrorCode CheckCodes(const WeftCoder coder, const WeftCodes *codes)
{
  PetscFunctionBegin;
  PetscCheck(codes->groups == coder->groups && codes->group_size == coder->group_size, PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "codes of %d groups of %d, the dictionary has %d of %d", codes->groups,
             codes->group_size, coder->groups, coder->group_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSolve(WeftCoder coder, const WeftBlock *x, const WeftCodes *warm, WeftCodes *codes,
                              WeftCoderResult *result)
{
  Work w;

  PetscFunctionBegin;
  PetscCall(WeftCoderSetUp(coder));
  PetscCheck(x->cols == coder->d && x->precision == coder->atoms.precision, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "samples have %zu features or another precision, the dictionary has %zu", x->cols, coder->d);
  PetscCall(CheckCodes(coder, codes));
  if (warm) PetscCall(CheckCodes(coder, warm));
  PetscCheck(warm != codes, PETSC_COMM_SELF, PETSC_ERR_ARG_IDN, "warm starts and codes are the same object");
  PetscCheck(!warm || warm->samples == x->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%zu warm starts for %zu samples",
             warm ? warm->samples : 0, x->rows);
  PetscCall(WeftEventBegin(WEFT_EVENT_CODE));
  *result = (WeftCoderResult){0};
  coder->samples = x->rows;
  if (coder->samples > coder->capacity) {
    PetscCall(PetscFree2(coder->objective, coder->gap));
    PetscCall(PetscMalloc2(coder->samples, &coder->objective, coder->samples, &coder->gap));
    coder->capacity = coder->samples;
  }
  WeftCodesClear(codes);
  PetscCall(WorkCreate(coder, PetscMin(x->rows, (size_t)BLOCK_SAMPLES), &w));
  for (size_t first = 0; first < x->rows; first += BLOCK_SAMPLES)
    PetscCall(SolveBlock(coder, x, warm, first, PetscMin(x->rows - first, (size_t)BLOCK_SAMPLES), &w, codes, result));
  PetscCall(WorkDestroy(&w));
  Summarise(coder, codes, result);
  PetscCall(WeftEventEnd(WEFT_EVENT_CODE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
