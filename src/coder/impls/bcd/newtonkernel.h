/* Newton steps on the active groups of a restricted problem, whose systems conjugate gradients solve: they settle the
   values that sweeps come to slowly. */

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
    const size_t at = (size_t)s * (size_t)p;
    const REAL  *r = l->residual + at, *unit = l->unit + at;
    const REAL   along = l->inverse[s], across = along > 0 ? 1 / (l->mean[s] + l->curve[s]) : 0;
    REAL         dot = 0;
    for (int i = 0; i < p; ++i) dot += r[i] * unit[i];
    for (int i = 0; i < p; ++i) {
      const REAL w = p == 1 ? r[i] * along : across * (r[i] - dot * unit[i]) + along * dot * unit[i];
      l->scaled[at + (size_t)i] = w;
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
    const size_t at = (size_t)s * (size_t)p;
    const REAL  *d = l->direction + at, *unit = l->unit + at, on = l->curve[s] > 0 ? 1 : 0;
    REAL        *image = l->image + at, dot = 0;
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
