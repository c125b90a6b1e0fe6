/* The dictionary and connectivity step: see WeftDictStep() in weft/dict.h. */
#include "dictimpl.h"
#include <petscblaslapack.h>

enum { POWER_ITERATIONS = 12, MAX_FAILURES = 30 };

/* Relative to F, what does not count as the rise of a step without momentum: norms at the bound are 1 to within
   rounding, and such a step still brings D nearer to the optimum. */
static const double rounding = 1e-15;

/* Largest eigenvalue of A scaled to unit diagonal, by power iteration, halved: a proximal gradient step lowers F if its
   metric is over A/2, and that half converges about twice as fast. Power iteration gives a lower bound, so it is
   inflated, and the monotone test catches what is left. */
static PetscErrorCode SetMetric(WeftStep s)
{
  const PetscBLASInt k = (PetscBLASInt)s->k, one = 1;
  const double       alpha = 1, beta = 0;
  double            *v, *w, norm = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(s->k, &v, s->k, &w));
  for (size_t i = 0; i < s->k; ++i) v[i] = 1.0 + 0.5 * PetscSinReal((double)i); /* any fixed start without symmetry */
  for (int it = 0; it < POWER_ITERATIONS; ++it) {
    norm = BLASnrm2_(&k, v, &one);
    if (!(norm > 0)) break;
    for (size_t i = 0; i < s->k; ++i) v[i] /= norm * PetscSqrtReal(s->diagonal[i]);
    BLASgemv_("N", &k, &k, &alpha, s->a, &k, v, &one, &beta, w, &one);
    for (size_t i = 0; i < s->k; ++i) v[i] = w[i] / PetscSqrtReal(s->diagonal[i]);
  }
  s->kappa = 0.5 * PetscMax(1.1 * BLASnrm2_(&k, v, &one), 1.1);
  PetscCallMPI(MPI_Bcast(&s->kappa, 1, MPI_DOUBLE, 0, s->dict->comm)); /* the same bits on every rank */
  PetscCall(PetscFree2(v, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms that no sample uses still get a step, so that the floor keeps the metric finite. */
static void FloorDiagonal(WeftStep s)
{
  double most = 0;

  for (size_t a = 0; a < s->k; ++a) most = PetscMax(most, s->a[a * s->k + a]);
  for (size_t a = 0; a < s->k; ++a) s->diagonal[a] = PetscMax(s->a[a * s->k + a], most > 0 ? 1e-6 * most : 1.0);
}

/* F(D) */
static PetscErrorCode Value(WeftStep s)
{
  double sum = 0;

  PetscFunctionBegin;
  for (size_t g = 0; g < s->groups; ++g) {
    const size_t n = WeftRowsCount(&s->d, g), first = s->d.start[g];
    for (size_t e = 0; e < n; ++e) {
      double square = 0;
      for (size_t i = 0; i < s->p; ++i) {
        const double v = s->d.value[s->p * first + i * n + e];
        const size_t at = (g * s->p + i) * s->rows + (size_t)s->d.row[first + e];
        square += v * v;
        sum += v * (0.5 * s->product[at] - s->b[at]);
      }
      sum += s->weight[g] * PetscSqrtReal(square);
    }
  }
  PetscCallMPI(MPI_Allreduce(&sum, &s->value, 1, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a row of group g adds to F(D_new) − F(D), ‖D_new − D‖² and ‖D_new‖². The row's numbers of D are at old[i rows],
   those of D_new at new[i ld], or zero where new is NULL. All of it is made of differences, with
   ‖n‖ − ‖o‖ = ⟨n − o, n + o⟩ / (‖n‖ + ‖o‖), so that its error shrinks with them. */
static void AddRise(const struct _n_WeftStep *s, size_t g, size_t row, const double *old, const double *new, size_t ld,
                    double sums[3])
{
  double squares[2] = {0, 0}, cross = 0;

  for (size_t i = 0; i < s->p; ++i) {
    const size_t at = (g * s->p + i) * s->rows + row;
    const double o = old[i * s->rows], n = new ? new[i * ld] : 0;
    sums[0] += (n - o) * (0.5 * (s->product_new[at] + s->product[at]) - s->b[at]);
    sums[1] += (n - o) * (n - o);
    cross += (n - o) * (n + o);
    squares[0] += o * o;
    squares[1] += n * n;
  }
  sums[2] += squares[1];
  if (squares[0] + squares[1] > 0)
    sums[0] += s->weight[g] * cross / (PetscSqrtReal(squares[0]) + PetscSqrtReal(squares[1]));
}

/* The rows of D_new, then those that only D has. */
static void GroupRise(WeftStep s, size_t g, double sums[3])
{
  const size_t n = WeftRowsCount(&s->d_new, g), first = s->d_new.start[g];

  (void)PetscArrayzero(s->tile, s->rows * s->p);
  WeftRowsAdd(&s->d, g, s->rows, s->p, 1, NULL, s->tile);
  for (size_t e = 0; e < n; ++e) {
    const size_t row = (size_t)s->d_new.row[first + e];
    AddRise(s, g, row, s->tile + row, s->d_new.value + s->p * first + e, n, sums);
    for (size_t i = 0; i < s->p; ++i) s->tile[i * s->rows + row] = 0;
  }
  for (size_t e = s->d.start[g]; e < s->d.start[g + 1]; ++e)
    AddRise(s, g, (size_t)s->d.row[e], s->tile + s->d.row[e], NULL, 0, sums);
}

/* F(D_new) − F(D), and how far D_new is from D relative to its size. */
static PetscErrorCode Rise(WeftStep s, double *rise, double *change)
{
  double sums[3] = {0, 0, 0};

  PetscFunctionBegin;
  for (size_t g = 0; g < s->groups; ++g) GroupRise(s, g, sums);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  *rise = sums[0];
  *change = sums[2] > 0 ? PetscSqrtReal(sums[1] / sums[2]) : PetscSqrtReal(sums[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* new becomes current, current becomes old, old's memory is free for the next. */
static void Rotate(WeftStep s)
{
  const WeftRows free_rows = s->d_old;
  double        *free_product = s->product_old;

  s->d_old = s->d;
  s->product_old = s->product;
  s->d = s->d_new;
  s->product = s->product_new;
  s->d_new = free_rows;
  s->product_new = free_product;
}

/* n iterations after a (re)start: from 0.4, at which a few iterations get farthest, slowly to 1, for problems that need
   many. */
static double Momentum(int n)
{
  return n ? (n + 9.0) / (n + 24.0) : 0.0;
}

static PetscErrorCode Iterate(WeftStep s, WeftDictResult *result)
{
  double rise, change;
  int    streak = 0, failures = 0;

  PetscFunctionBegin;
  PetscCall(WeftStepMultiply(s, &s->d, s->product));
  PetscCall(Value(s));
  result->before = s->value;
  while (result->iterations < s->dict->max_iterations && failures < MAX_FAILURES && !result->converged) {
    PetscCall(WeftStepProximal(s, Momentum(streak)));
    PetscCall(WeftStepMultiply(s, &s->d_new, s->product_new));
    PetscCall(Rise(s, &rise, &change));
    ++result->iterations;
    if (rise <= (streak ? 0.0 : rounding * PetscAbsReal(s->value))) {
      Rotate(s);
      s->value += PetscMin(rise, 0.0);
      ++streak;
      failures = 0;
      result->converged = change <= s->dict->rtol ? PETSC_TRUE : PETSC_FALSE;
    } else if (streak) {
      streak = 0; /* restart: the next proposal starts from D alone */
    } else {
      s->kappa *= 2;
      ++failures;
    }
  }
  result->after = s->value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepCreate(WeftDict dict, WeftStep *step)
{
  WeftStep  s;
  WeftRows *d[3];

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->dict = dict;
  s->rows = (size_t)dict->rows;
  s->k = (size_t)dict->k;
  s->p = (size_t)dict->group_size;
  s->groups = (size_t)dict->groups;
  d[0] = &s->d;
  d[1] = &s->d_old;
  d[2] = &s->d_new;
  for (int i = 0; i < 3; ++i) PetscCall(WeftRowsCreate(s->rows, s->groups, s->p, d[i]));
  PetscCall(PetscMalloc1(s->rows * s->k, &s->product)); /* one by one, as they are swapped */
  PetscCall(PetscMalloc1(s->rows * s->k, &s->product_old));
  PetscCall(PetscMalloc1(s->rows * s->k, &s->product_new));
  PetscCall(PetscMalloc3(s->rows * s->k, &s->t, s->rows * s->k, &s->dense, s->rows * s->p, &s->tile));
  PetscCall(PetscMalloc5(s->k, &s->diagonal, s->k, &s->h, s->k, &s->square, s->k, &s->nu, s->k, &s->fraction));
  *step = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStepDestroy(WeftStep *step)
{
  WeftStep s = *step;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftRowsDestroy(&s->d));
  PetscCall(WeftRowsDestroy(&s->d_old));
  PetscCall(WeftRowsDestroy(&s->d_new));
  PetscCall(PetscFree(s->product));
  PetscCall(PetscFree(s->product_old));
  PetscCall(PetscFree(s->product_new));
  PetscCall(PetscFree3(s->t, s->dense, s->tile));
  PetscCall(PetscFree5(s->diagonal, s->h, s->square, s->nu, s->fraction));
  PetscCall(PetscFree(*step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* D's rows; a norm over the bound, as after reading D in single precision, is scaled to it first. */
static PetscErrorCode Load(WeftStep s, const double *values)
{
  PetscFunctionBegin;
  for (size_t a = 0; a < s->k; ++a) {
    s->square[a] = 0;
    for (size_t j = 0; j < s->rows; ++j) s->square[a] += values[a * s->rows + j] * values[a * s->rows + j];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square, (int)s->k, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  for (size_t a = 0; a < s->k; ++a) s->fraction[a] = s->square[a] > 1 ? 1 / PetscSqrtReal(s->square[a]) : 1;
  for (size_t g = 0; g < s->groups; ++g) {
    for (size_t i = 0; i < s->p * s->rows; ++i)
      s->tile[i] = s->fraction[g * s->p + i / s->rows] * values[g * s->p * s->rows + i];
    WeftRowsSet(&s->d, g, s->rows, s->p, s->tile, 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictStep(WeftDict dict, Mat A, Mat B, const double weight[], WeftDictResult *result)
{
  WeftStep s;
  double  *values, *a, *b;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_DICTIONARY));
  *result = (WeftDictResult){0};
  if (!dict->step) PetscCall(StepCreate(dict, &dict->step));
  s = dict->step;
  PetscCall(MatDenseGetArray(A, &a));
  PetscCall(WeftDictArray(dict, B, &b));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  s->a = a;
  s->b = b;
  s->weight = weight;
  s->norm_rtol = PetscMax(PetscMin(1e-2, 10 * dict->rtol), 1e-13);
  PetscCall(PetscArrayzero(s->nu, s->k));
  FloorDiagonal(s);
  PetscCall(SetMetric(s));
  PetscCall(Load(s, values));
  PetscCall(Iterate(s, result));
  WeftRowsToDense(&s->d, s->groups, s->rows, s->p, values);
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCall(WeftDictRestore(B, &b));
  PetscCall(MatDenseRestoreArray(A, &a));
  PetscCall(WeftEventEnd(WEFT_EVENT_DICTIONARY));
  PetscFunctionReturn(PETSC_SUCCESS);
}
