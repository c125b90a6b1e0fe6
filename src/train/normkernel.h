/* The loops of norm.c for REAL = float and double, over one unit's values. Sums are in double. */

WEFT_SIMD static void NAME(Sums)(size_t m, const REAL *z, double sums[2])
{
  double sum = 0, square = 0;

  WEFT_VECTOR_LOOP(reduction(+ : sum, square))
  for (size_t i = 0; i < m; ++i) {
    const double v = (double)z[i];
    sum += v;
    square += v * v;
  }
  sums[0] += sum;
  sums[1] += square;
}

/* out = a z + b */
WEFT_SIMD static void NAME(Apply)(size_t ld, const REAL *z, double scale, double offset, PetscBool rectify, REAL *out)
{
  const REAL a = (REAL)scale, b = (REAL)offset;

  if (rectify) {
    WEFT_VECTOR_LOOP()
    for (size_t i = 0; i < ld; ++i) {
      const REAL v = a * z[i] + b;
      out[i] = v > 0 ? v : 0;
    }
  } else {
    WEFT_VECTOR_LOOP()
    for (size_t i = 0; i < ld; ++i) out[i] = a * z[i] + b;
  }
}

/* As Apply(), then d <- 0 where that was negative, and the sums of d and d ẑ, ẑ = (z − mean) rate. */
WEFT_SIMD static void NAME(Gradient)(size_t m, const REAL *z, double scale, double offset, PetscBool rectify,
                                     const WeftMoments *moments, REAL *d, double sums[2])
{
  const REAL a = (REAL)scale, b = (REAL)offset;
  double     sum = 0, product = 0;

  if (rectify) {
    WEFT_VECTOR_LOOP()
    for (size_t i = 0; i < m; ++i) d[i] = a * z[i] + b > 0 ? d[i] : 0;
  }
  WEFT_VECTOR_LOOP(reduction(+ : sum, product))
  for (size_t i = 0; i < m; ++i) {
    const double v = (double)d[i];
    sum += v;
    product += v * ((double)z[i] - moments->mean);
  }
  sums[0] = sum;
  sums[1] = product * moments->rate;
}

/* d <- a (d − s0 − ẑ s1) */
WEFT_SIMD static void NAME(Backward)(size_t m, size_t ld, const REAL *z, double scale, const double mean_sums[2],
                                     const WeftMoments *moments, REAL *d)
{
  const REAL a = (REAL)scale, s1 = (REAL)(mean_sums[1] * moments->rate);
  const REAL s0 = (REAL)(mean_sums[0] - mean_sums[1] * moments->rate * moments->mean);

  WEFT_VECTOR_LOOP()
  for (size_t i = 0; i < m; ++i) d[i] = a * (d[i] - s0 - z[i] * s1);
  for (size_t i = m; i < ld; ++i) d[i] = 0;
}
