/* Sums over a group's samples for SUM = the type of the sums and SAMPLE = that of the samples: statistics.c includes
   this once for each pair. */

/* sum += Σ z_e x_e over four samples. */
WEFT_SIMD static void NAME(AddFour)(size_t n, const double z[4], const SAMPLE *const x[4], SUM *sum)
{
  const SUM     z0 = (SUM)z[0], z1 = (SUM)z[1], z2 = (SUM)z[2], z3 = (SUM)z[3];
  const SAMPLE *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];

  for (size_t j = 0; j < n; ++j) sum[j] += (z0 * (SUM)x0[j] + z1 * (SUM)x1[j]) + (z2 * (SUM)x2[j] + z3 * (SUM)x3[j]);
}

/* Rows gp .. gp + p − 1 of Σ z xᵀ: up to four samples, the same one with weight 0 where there are fewer. */
static void NAME(AddCorrelations)(WeftStatistics *s, const SAMPLE *x, const WeftCodes *codes, const ByGroup *o,
                                  size_t g)
{
  const size_t p = (size_t)s->group_size, end = o->start[g + 1];
  SUM         *b = (SUM *)s->b + g * p * s->d;

  for (size_t at = o->start[g]; at < end; at += 4) {
    const SAMPLE *row[4];
    for (size_t l = 0; l < 4; ++l) row[l] = x + o->sample[at + l < end ? at + l : at] * s->d;
    for (size_t i = 0; i < p; ++i) {
      double z[4];
      for (size_t l = 0; l < 4; ++l) z[l] = at + l < end ? codes->value[o->entry[at + l] * p + i] : 0;
      NAME(AddFour)(s->d, z, row, b + i * s->d);
    }
  }
}

/* Row [k] += z times a sample's code. */
static inline __attribute__((always_inline)) void NAME(AddCode)(size_t p, size_t active, double z, const int *group,
                                                                const double *value, SUM *row)
{
  for (size_t f = 0; f < active; ++f)
    for (size_t j = 0; j < p; ++j) row[(size_t)group[f] * p + j] += (SUM)(z * value[f * p + j]);
}

/* Rows gp .. gp + p − 1 of Σ z zᵀ from column gp on: a sample's groups ascend. The usual group sizes are told to the
 * compiler: its inner loop is p long. */
WEFT_SIMD static void NAME(AddOuter)(WeftStatistics *s, const WeftCodes *codes, const ByGroup *o, size_t g)
{
  const size_t p = (size_t)s->group_size, k = s->k;
  SUM         *a = (SUM *)s->a + WeftStatisticsRow(s, g * p) - g * p; /* as if its rows began at column 0 */

  for (size_t at = o->start[g]; at < o->start[g + 1]; ++at) {
    const size_t  first = o->entry[at], active = codes->start[o->sample[at] + 1] - first;
    const int    *group = codes->group + first;
    const double *value = codes->value + first * p;
    for (size_t i = 0; i < p; ++i) {
      const double z = value[i];
      SUM         *row = a + i * (k - g * p);
      if (p == 1)
        NAME(AddCode)(1, active, z, group, value, row);
      else if (p == 4)
        NAME(AddCode)(4, active, z, group, value, row);
      else
        NAME(AddCode)(p, active, z, group, value, row);
    }
  }
}
