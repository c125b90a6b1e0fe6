/* The problem restricted to a sample's working set, for REAL = float and double: its vectors, from the batch and back,
   and where a code stands. bcd.c includes this and those that build on it once for each. */
#include "../../tilekernel.h"

/* Vectors over the n groups of a set, their n p coefficients rotated; filled up with zeros to length ld. */
typedef struct {
  int         n;
  size_t      ld;
  REAL        t, scale;                 /* λ√p; the largest mean below */
  double      square;                   /* ‖x‖² */
  const REAL *gram;                     /* [n p, ld] */
  REAL       *c, *z, *q, *h;            /* q = c − G z; h the diagonal of G */
  REAL *ridge, *curve, *mean, *inverse; /* [n] r_g; t/‖z_g‖, 0 where z_g = 0; mean of h over the group + r_g; 1/mean */
  REAL *unit;                           /* z_g/‖z_g‖ */
  REAL *residual, *scaled, *direction, *image, *step; /* of conjugate gradients */
  REAL *next, *next_q;                                /* where a Newton step leads */
  REAL *list;                                         /* [active] values of a vector at the active coefficients */
  REAL *v, *change;                                   /* [p] */
  int  *active, actives;                              /* coefficients of groups that are not zero */
} NAME(Local);

enum { NAME(LocalVectors) = 19 };

/* Takes the vectors from one block. */
static void NAME(PointLocal)(const WeftCoder coder, BCD *b, NAME(Local) * l)
{
  REAL **const vectors[NAME(LocalVectors)] = {&l->c,         &l->z,       &l->q,    &l->h,        &l->ridge,
                                              &l->curve,     &l->mean,    &l->unit, &l->residual, &l->scaled,
                                              &l->direction, &l->image,   &l->step, &l->next,     &l->next_q,
                                              &l->list,      &l->inverse, &l->v,    &l->change};

  for (size_t i = 0; i < NAME(LocalVectors); ++i) *vectors[i] = (REAL *)b->local.values.v + i * b->local.cols;
  l->active = b->active;
  l->t = (REAL)coder->threshold;
}

/* Rotated c, z and q of row j's working set, and what the penalty needs of each group. */
INLINE void NAME(Load)(const WeftCoder coder, const BCD *b, const WeftCoderBatch *batch, size_t j, const int *group,
                       size_t p, NAME(Local) * l)
{
  const size_t k = coder->k, at = b->index[j] * k;
  const REAL  *c = (const REAL *)batch->c.values.v + at, *z = (const REAL *)batch->z.values.v + at;
  const REAL  *q = (const REAL *)b->q.values.v + j * k, *h = b->diagonal.values.v, *turn = b->into.values.v;

  for (size_t s = 0; s < (size_t)l->n; ++s) {
    const size_t from = (size_t)group[s] * p, to = s * p;
    REAL         sum = 0;
    NAME(Rotate)(p, turn + from * p, c + from, l->c + to);
    NAME(Rotate)(p, turn + from * p, z + from, l->z + to);
    NAME(Rotate)(p, turn + from * p, q + from, l->q + to);
    for (size_t i = 0; i < p; ++i) sum += l->h[to + i] = h[from + i];
    l->ridge[s] = (REAL)coder->ridge[group[s]];
    l->mean[s] = sum / (REAL)p + l->ridge[s];
    l->inverse[s] = l->mean[s] > 0 ? 1 / l->mean[s] : 0; /* of a group of zeros: its code is zero */
  }
  for (size_t a = (size_t)l->n * p; a < l->ld; ++a) l->q[a] = 0;
}

/* The code of row j's working set goes back to its sample, and its nonzeros to those of the next round. */
INLINE void NAME(Store)(const WeftCoder coder, BCD *b, WeftCoderBatch *batch, size_t j, const int *group, size_t p,
                        const NAME(Local) * l)
{
  const REAL        *turn = b->back.values.v;
  REAL              *z = (REAL *)batch->z.values.v + b->index[j] * coder->k;
  WeftCoderNonzeros *nz = &b->next;
  size_t             at = nz->start[nz->rows++];

  for (size_t s = 0; s < (size_t)l->n; ++s) {
    const size_t to = (size_t)group[s] * p;
    NAME(Rotate)(p, turn + to * p, l->z + s * p, z + to);
    for (size_t i = to; i < to + p; ++i) {
      if (z[i] == 0) continue;
      nz->column[at] = (int)i;
      ((REAL *)nz->value.values.v)[at++] = z[i];
    }
  }
  nz->start[nz->rows] = at;
}

/* Sums over the groups that the gap is made of; returns max ‖q_g‖. */
INLINE double NAME(Sums)(const NAME(Local) * l, int p, WeftCoderParts *parts)
{
  double cz = 0, qz = 0, penalty = 0;
  REAL   most = 0;

  for (int s = 0; s < l->n; ++s) {
    REAL square = 0, u = 0;
    for (int i = s * p; i < (s + 1) * p; ++i) {
      cz += (double)(l->c[i] * l->z[i]);
      qz += (double)(l->q[i] * l->z[i]);
      square += l->z[i] * l->z[i];
      u += l->q[i] * l->q[i];
    }
    penalty += (double)(l->t * ROOT(square) + (REAL)0.5 * l->ridge[s] * square);
    most = u > most ? u : most;
  }
  *parts = (WeftCoderParts){l->square, l->square - cz, PetscMax(l->square - cz - qz, 0.0), penalty};
  return sqrt((double)most);
}

/* Norms that the gap needs group by group: with ridges those of q, at λ = 0 those of the gradient. */
static double NAME(Norms)(const WeftCoder coder, const NAME(Local) * l, BCD *b)
{
  double scale = 0;

  for (int s = 0; s < l->n; ++s) {
    double u = 0, correlation = 0;
    b->ridge[s] = (double)l->ridge[s];
    for (int i = s * coder->group_size; i < (s + 1) * coder->group_size; ++i) {
      const double v = (double)l->q[i] - (l->t > 0 ? 0.0 : b->ridge[s] * (double)l->z[i]);
      u += v * v;
      correlation += (double)l->c[i] * (double)l->c[i];
    }
    b->norms[s] = sqrt(u);
    scale = PetscMax(scale, correlation);
  }
  return sqrt(scale);
}

/* Primal value and gap of the restricted problem. */
INLINE Value NAME(Evaluate)(const WeftCoder coder, BCD *b, const NAME(Local) * l, int p)
{
  WeftCoderProblem problem = {coder->threshold, l->n, b->ridge, coder->any_ridge, b->norms, 0, 0};
  WeftCoderParts   parts;
  Value            value;

  problem.largest = NAME(Sums)(l, p, &parts);
  if (coder->any_ridge || !(coder->threshold > 0)) problem.scale = NAME(Norms)(coder, l, b);
  WeftCoderGap(&problem, &parts, &value.primal, &value.gap);
  return value;
}
