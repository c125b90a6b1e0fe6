/* The problem restricted to a sample's working set, for REAL = float and double: bcd.c includes this once for each.
   Sweeps of exact group minimisations find which groups are active; between them Newton steps, whose systems conjugate
   gradients solve, settle the values of the active ones. */
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

/* The group's exact minimiser for p coefficients (weft/group.h), in the precision of the path; s: a guess of its
   norm. v_i = 0 where h_i = diagonal_i + ridge = 0. Newton's steps begin no further left than (‖v‖ − t)/max h, where
   the root cannot lie: at s = 0 a small t would make them overflow. */
INLINE void NAME(GroupSolve)(int p, const REAL *diagonal, REAL ridge, const REAL *v, REAL t, REAL s, REAL *z)
{
  REAL norm = 0, most = 0, least;

  for (int i = 0; i < p; ++i) {
    norm += v[i] * v[i];
    most = diagonal[i] > most ? diagonal[i] : most;
  }
  if (norm <= t * t) {
    for (int i = 0; i < p; ++i) z[i] = 0;
    return;
  }
  if (!(t > 0)) {
    for (int i = 0; i < p; ++i) z[i] = diagonal[i] + ridge > 0 ? v[i] / (diagonal[i] + ridge) : 0;
    return;
  }
  least = (ROOT(norm) - t) / (most + ridge);
  s = s > least ? s : least;
  for (int it = 0; it < WEFT_GROUP_MAX_NEWTON; ++it) {
    REAL phi = 0, slope = 0, step;
    for (int i = 0; i < p; ++i) {
      const REAL h = diagonal[i] + ridge, r = 1 / (h * s + t), w = v[i] * r;
      phi += w * w;
      slope += w * w * h * r;
    }
    step = slope > 0 ? phi * (ROOT(phi) - 1) / slope : 0;
    s = s + step > least ? s + step : least;
    if ((step > 0 ? step : -step) <= (REAL)(sizeof(REAL) == 4 ? 1e-6 : 1e-15) * s) break;
  }
  for (int i = 0; i < p; ++i) z[i] = v[i] * s / ((diagonal[i] + ridge) * s + t);
}

/* One sweep; q stays c − G z. Returns whether the code moved by more than rounding. */
INLINE PetscBool NAME(Sweep)(NAME(Local) * l, int p, REAL *restrict v, REAL *restrict change)
{
  const REAL   epsilon = (REAL)(sizeof(REAL) == 4 ? 2.4e-7 : 4.4e-16);
  const size_t ld = l->ld;
  REAL *restrict q = l->q, moved = 0, size = 0;

  for (int s = 0; s < l->n; ++s) {
    const size_t at = (size_t)s * (size_t)p;
    REAL         square = 0, before = 0, *restrict z = l->z + at;
    for (int i = 0; i < p; ++i) { /* what no atom spans is rounding */
      const REAL h = l->h[at + (size_t)i];
      v[i] = h + l->ridge[s] > 0 ? q[at + (size_t)i] + h * z[i] : 0;
    }
    if (p == 1) { /* soft thresholding without a branch, which would be hard to predict */
      const REAL length = v[0] < 0 ? -v[0] : v[0], cut = length > l->t ? (length - l->t) * l->inverse[s] : 0;
      change[0] = v[0] < 0 ? -cut : cut;
    } else {
      for (int i = 0; i < p; ++i) before += z[i] * z[i];
      NAME(GroupSolve)(p, l->h + at, l->ridge[s], v, l->t, ROOT(before), change);
    }
    for (int i = 0; i < p; ++i) {
      const REAL next = change[i];
      change[i] = next - z[i];
      z[i] = next;
      square += change[i] * change[i];
      size += next * next;
    }
    moved += square;
    if (!(square > 0)) continue;
    for (int i = 0; i < p; ++i) {
      const REAL *restrict row = l->gram + (at + (size_t)i) * ld, by = change[i];
      for (size_t j = 0; j < ld; ++j) q[j] -= by * row[j];
    }
  }
  return moved > epsilon * epsilon * size ? PETSC_TRUE : PETSC_FALSE;
}

/* y −= G x over the active coefficients of x. */
INLINE void NAME(SubtractGram)(NAME(Local) * l, const REAL *x, REAL *y)
{
  for (int a = 0; a < l->actives; ++a) l->list[a] = x[l->active[a]];
  NAME(Tiles)((size_t)l->actives, l->active, l->list, l->gram, l->ld, l->ld, y);
}

/* What Newton's system is made of at z: the active coefficients (of groups whose norms are more than rounding), the
   penalty's curvature, and the residual q − r z − t z/‖z‖. */
INLINE void NAME(Linearise)(NAME(Local) * l, int p)
{
  REAL least = 0;

  l->scale = 0;
  for (int s = 0; s < l->n; ++s) {
    REAL square = 0;
    for (int i = s * p; i < (s + 1) * p; ++i) square += l->z[i] * l->z[i];
    least = square > least ? square : least;
    l->scale = l->mean[s] > l->scale ? l->mean[s] : l->scale;
  }
  least *= (REAL)(sizeof(REAL) == 4 ? 1e-7 : 1e-16);
  l->actives = 0;
  for (int s = 0; s < l->n; ++s) {
    const int at = s * p;
    REAL      square = 0, inverse;
    for (int i = 0; i < p; ++i) square += l->z[at + i] * l->z[at + i];
    inverse = square > least ? 1 / ROOT(square) : 0;
    l->curve[s] = l->t * inverse;
    for (int i = 0; i < p; ++i) {
      l->unit[at + i] = l->z[at + i] * inverse;
      l->residual[at + i] = square > least ? l->q[at + i] - l->ridge[s] * l->z[at + i] - l->t * l->unit[at + i] : 0;
      l->step[at + i] = l->direction[at + i] = 0;
      l->active[l->actives] = at + i;
      l->actives += square > least;
    }
  }
}

/* scaled = M⁻¹ residual, M the system's diagonal blocks with the mean of h in place of h; returns their product. */
INLINE REAL NAME(Precondition)(NAME(Local) * l, int p)
{
  REAL sum = 0;

  for (int s = 0; s < l->n; ++s) {
    const REAL *r = l->residual + s * p, *unit = l->unit + s * p;
    const REAL  along = l->inverse[s], across = along > 0 ? 1 / (l->mean[s] + l->curve[s]) : 0;
    REAL        dot = 0;
    for (int i = 0; i < p; ++i) dot += r[i] * unit[i];
    for (int i = 0; i < p; ++i) {
      const REAL w = p == 1 ? r[i] * along : across * (r[i] - dot * unit[i]) + along * dot * unit[i];
      l->scaled[s * p + i] = w;
      sum += w * r[i];
    }
  }
  return sum;
}

/* image = H direction on the active coefficients; returns direction'H direction. */
INLINE REAL NAME(Apply)(NAME(Local) * l, int p)
{
  REAL sum = 0;

  for (size_t a = 0; a < l->ld; ++a) l->image[a] = 0;
  NAME(SubtractGram)(l, l->direction, l->image);
  for (int s = 0; s < l->n; ++s) {
    const REAL *d = l->direction + s * p, *unit = l->unit + s * p, on = l->curve[s] > 0 || !(l->t > 0) ? 1 : 0;
    REAL       *image = l->image + s * p, dot = 0;
    for (int i = 0; i < p; ++i) dot += d[i] * unit[i];
    for (int i = 0; i < p; ++i) {
      image[i] = on * (l->ridge[s] * d[i] - image[i] + (p == 1 ? 0 : l->curve[s] * (d[i] - dot * unit[i])));
      sum += d[i] * image[i];
    }
  }
  return sum;
}

INLINE REAL NAME(SquareOf)(int n, const REAL *v)
{
  REAL sum = 0;

  WEFT_VECTOR_LOOP(reduction(+ : sum))
  for (int i = 0; i < n; ++i) sum += v[i] * v[i];
  return sum;
}

/* Newton's step, by conjugate gradients to a tenth of the residual, or until they meet a direction that is almost flat:
   where groups can stand in for one another the system is singular, and a step along such a direction noise. */
INLINE void NAME(NewtonStep)(NAME(Local) * l, int p)
{
  const int length = l->n * p;
  REAL      first = 0, before = 1;

  for (int it = 0; it < GRADIENT_STEPS; ++it) {
    const REAL now = NAME(Precondition)(l, p);
    REAL       curvature, alpha;
    if (!it) first = now;
    if (!(now > (it ? (REAL)0.01 * first : 0))) break;
    for (int a = 0; a < length; ++a) l->direction[a] = l->scaled[a] + (it ? now / before : 0) * l->direction[a];
    before = now;
    curvature = NAME(Apply)(l, p);
    if (!(curvature > (REAL)FLAT * l->scale * NAME(SquareOf)(length, l->direction))) break;
    alpha = now / curvature;
    for (int a = 0; a < length; ++a) {
      l->step[a] += alpha * l->direction[a];
      l->residual[a] -= alpha * l->image[a];
    }
  }
}

/* next = z + part of the step, where a group that would turn round, or stand just where it does, becomes zero instead;
   next_q with it. */
INLINE void NAME(Try)(NAME(Local) * l, int p, REAL part)
{
  for (int s = 0; s < l->n; ++s) {
    const int at = s * p;
    REAL      dot = 0, square = 0;
    for (int i = at; i < at + p; ++i) {
      l->next[i] = l->z[i] + part * l->step[i];
      dot += l->next[i] * l->z[i];
      square += l->z[i] * l->z[i];
    }
    for (int i = at; i < at + p; ++i) {
      if (!(dot > (REAL)1e-3 * square)) l->next[i] = 0;
      l->scaled[i] = l->next[i] - l->z[i];
    }
  }
  for (size_t a = 0; a < l->ld; ++a) l->next_q[a] = l->q[a];
  NAME(SubtractGram)(l, l->scaled, l->next_q);
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

INLINE void NAME(SwapWithNext)(NAME(Local) * l)
{
  REAL *z = l->z, *q = l->q;

  l->z = l->next;
  l->q = l->next_q;
  l->next = z;
  l->next_q = q;
}

/* The part of the step that leads to where the first group turns round; a half where none does. */
INLINE REAL NAME(FirstTurn)(const NAME(Local) * l, int p)
{
  REAL part = 1;

  for (int s = 0; s < l->n; ++s) {
    REAL square = 0, along = 0;
    for (int i = s * p; i < (s + 1) * p; ++i) {
      square += l->z[i] * l->z[i];
      along -= l->z[i] * l->step[i];
    }
    if (square < part * along) part = square / along;
  }
  return part < 1 ? part : (REAL)0.5;
}

/* A Newton step on the active groups, cut once where it leads nowhere and then left. It is taken where the objective
   falls, or where it stays within rounding and the gap falls. */
INLINE void NAME(Newton)(const WeftCoder coder, BCD *b, NAME(Local) * l, int p, Value *value)
{
  const double rounding = (sizeof(REAL) == 4 ? 5e-7 : 1e-15) * l->square;

  NAME(Linearise)(l, p);
  if (!l->actives || !(l->t > 0)) return;
  NAME(NewtonStep)(l, p);
  for (int attempt = 0; attempt < 2; ++attempt) {
    Value next;
    NAME(Try)(l, p, attempt ? NAME(FirstTurn)(l, p) : 1);
    NAME(SwapWithNext)(l);
    next = NAME(Evaluate)(coder, b, l, p);
    if (next.primal < value->primal - rounding || (next.primal <= value->primal + rounding && next.gap < value->gap)) {
      *value = next;
      return;
    }
    NAME(SwapWithNext)(l);
  }
}

/* Until the restricted gap is at the target or the code stands still. The objective never rises by more than rounding,
   but the gap may for long: that it does not fall is no reason to stop. */
INLINE void NAME(SolveBy)(const WeftCoder coder, BCD *b, NAME(Local) * l, int p, REAL *v, REAL *change, double target)
{
  PetscBool moved = PETSC_TRUE;

  for (int sweep = 0; sweep < coder->max_iterations && moved; ++sweep) {
    Value value;
    moved = NAME(Sweep)(l, p, v, change);
    value = NAME(Evaluate)(coder, b, l, p);
    if (value.gap <= target) break;
    NAME(Newton)(coder, b, l, p, &value);
    if (value.gap <= target) break;
  }
}

/* Solves the restricted problems of all sets. v, change: room for p numbers. */
INLINE void NAME(SolveAll)(const WeftCoder coder, BCD *b, WeftCoderBatch *batch, int p, NAME(Local) * l, REAL *v,
                           REAL *change)
{
  const Sets *sets = &b->sets;

  for (size_t j = 0; j < sets->samples; ++j) {
    const size_t row = sets->row[j];
    const int   *group = sets->group + sets->start[j];
    l->n = (int)(sets->start[j + 1] - sets->start[j]);
    l->ld = Padded((size_t)l->n * (size_t)p);
    l->gram = (const REAL *)sets->gram.values.v + sets->offset[j];
    l->square = batch->square[b->index[row]];
    NAME(Load)(coder, b, batch, row, group, (size_t)p, l);
    NAME(SolveBy)(coder, b, l, p, v, change, b->inner[row]);
    NAME(Store)(coder, b, batch, row, group, (size_t)p, l);
  }
}

WEFT_SIMD static void NAME(SolveSets)(const WeftCoder coder, BCD *b, WeftCoderBatch *batch)
{
  NAME(Local) l;

  NAME(PointLocal)(coder, b, &l);
  WEFT_BY_GROUP_SIZE(coder->group_size, p, REAL v[4], change[4];
                     NAME(SolveAll)(coder, b, batch, p, &l, p <= 4 ? v : l.v, p <= 4 ? change : l.change))
}

#undef INLINE
