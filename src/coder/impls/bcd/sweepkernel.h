/* Sweeps of exact group minimisations over a restricted problem: they find which groups are active. */

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
