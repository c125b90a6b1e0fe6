#include "slowdict.h"
#include <petscsys.h>
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void SlowDictCreate(int d, int k, int p, SlowDict *s)
{
  *s = (SlowDict){.d = d, .k = k, .p = p};
  s->a = calloc((size_t)(k * k), sizeof(double));
  s->b = calloc((size_t)(d * k), sizeof(double));
  s->w = calloc((size_t)(k / p), sizeof(double));
}

void SlowDictDestroy(SlowDict *s)
{
  free(s->a);
  free(s->b);
  free(s->w);
}

double SlowDictRowNorm(const SlowDict *s, const double D[], int j, int g)
{
  double square = 0;

  for (int a = g * s->p; a < (g + 1) * s->p; ++a) square += D[j * s->k + a] * D[j * s->k + a];
  return sqrt(square);
}

double SlowDictAtomNorm(const SlowDict *s, const double D[], int a)
{
  double square = 0;

  for (int j = 0; j < s->d; ++j) square += D[j * s->k + a] * D[j * s->k + a];
  return sqrt(square);
}

void SlowDictGradient(const SlowDict *s, const double D[], double gradient[])
{
  for (int j = 0; j < s->d; ++j) {
    for (int a = 0; a < s->k; ++a) {
      double sum = -s->b[j * s->k + a];
      for (int c = 0; c < s->k; ++c) sum += D[j * s->k + c] * s->a[c * s->k + a];
      gradient[j * s->k + a] = sum;
    }
  }
}

double SlowDictValue(const SlowDict *s, const double D[])
{
  double *gradient = calloc((size_t)(s->d * s->k), sizeof(double)), sum = 0;

  SlowDictGradient(s, D, gradient);
  for (int i = 0; i < s->d * s->k; ++i) sum += 0.5 * D[i] * (gradient[i] - s->b[i]);
  for (int j = 0; j < s->d; ++j)
    for (int g = 0; g < s->k / s->p; ++g) sum += s->w[g] * SlowDictRowNorm(s, D, j, g);
  free(gradient);
  return sum;
}

/* G := the smooth part's gradient plus that subgradient of the penalty that leaves least where D_jg = 0. */
static void AddSubgradient(const SlowDict *s, const double D[], double G[])
{
  for (int j = 0; j < s->d; ++j) {
    for (int g = 0; g < s->k / s->p; ++g) {
      const double norm = SlowDictRowNorm(s, D, j, g), steep = SlowDictRowNorm(s, G, j, g);
      for (int i = j * s->k + g * s->p; i < j * s->k + (g + 1) * s->p; ++i)
        G[i] = norm > 0 ? G[i] + s->w[g] * D[i] / norm : steep > s->w[g] ? G[i] * (1 - s->w[g] / steep) : 0;
    }
  }
}

/* F is convex, so F(E) >= F(D) + <G, E − D> for a subgradient G, and over feasible E the least <G, E> is −Σ ‖G_a‖. */
double SlowDictGap(const SlowDict *s, const double D[])
{
  double *G = calloc((size_t)(s->d * s->k), sizeof(double)), gap = 0;

  SlowDictGradient(s, D, G);
  AddSubgradient(s, D, G);
  for (int a = 0; a < s->k; ++a) gap += SlowDictAtomNorm(s, G, a);
  for (int i = 0; i < s->d * s->k; ++i) gap += G[i] * D[i];
  free(G);
  return gap;
}

/* Shrinks every row of every group by w_g / rho. */
static void Shrink(const SlowDict *s, double rho, double Y[])
{
  for (int j = 0; j < s->d; ++j) {
    for (int g = 0; g < s->k / s->p; ++g) {
      const double norm = SlowDictRowNorm(s, Y, j, g), t = s->w[g] / rho;
      for (int i = j * s->k + g * s->p; i < j * s->k + (g + 1) * s->p; ++i) Y[i] *= norm > t ? 1 - t / norm : 0;
    }
  }
}

static void Clip(const SlowDict *s, double Y[])
{
  for (int a = 0; a < s->k; ++a) {
    const double norm = SlowDictAtomNorm(s, Y, a);
    for (int j = 0; j < s->d && norm > 1; ++j) Y[j * s->k + a] /= norm;
  }
}

/* One iteration of alternating directions on three copies of D, one for each part of F; every update is a closed form.
   chol: of A + 2 rho; Z, U, T: the third copy and the multipliers; W: the first copy. */
static void Alternate(const SlowDict *s, double rho, double *chol, double Y[], double *W, double *Z, double *U,
                      double *T)
{
  const PetscBLASInt k = s->k, d = s->d;
  const int          n = s->d * s->k;
  PetscBLASInt       info;

  for (int i = 0; i < n; ++i) W[i] = s->b[i] + rho * (Y[i] - U[i] + Z[i] - T[i]);
  LAPACKpotrs_("L", &k, &d, chol, &k, W, &k, &info);
  for (int i = 0; i < n; ++i) Y[i] = W[i] + U[i];
  for (int i = 0; i < n; ++i) Z[i] = W[i] + T[i];
  Shrink(s, rho, Y);
  Clip(s, Z);
  for (int i = 0; i < n; ++i) U[i] += W[i] - Y[i];
  for (int i = 0; i < n; ++i) T[i] += W[i] - Z[i];
}

double SlowDictSolve(const SlowDict *s, double rtol, int max_iterations, double D[])
{
  const size_t       n = (size_t)(s->d * s->k), square = (size_t)(s->k * s->k);
  const PetscBLASInt k = s->k;
  PetscBLASInt       info;
  double *chol = malloc(square * sizeof(double)), *work = calloc(5 * n, sizeof(double)), rho = 0, gap = 1e300;

  for (int a = 0; a < k; ++a) rho += s->a[a * k + a] / k;
  memcpy(chol, s->a, square * sizeof(double));
  for (int a = 0; a < k; ++a) chol[a * k + a] += 2 * rho;
  LAPACKpotrf_("L", &k, chol, &k, &info);
  for (int it = 0; it < max_iterations; ++it) {
    Alternate(s, rho, chol, work, work + n, work + 2 * n, work + 3 * n, work + 4 * n);
    if (it % 100) continue;
    memcpy(D, work, n * sizeof(double));
    Clip(s, D);
    gap = SlowDictGap(s, D);
    if (gap <= rtol * fabs(SlowDictValue(s, D))) break;
  }
  free(chol);
  free(work);
  return gap;
}
