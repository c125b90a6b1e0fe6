/* The loop of dropout.c for REAL = float and double. */

WEFT_SIMD static void NAME(Drop)(size_t ld, const uint32_t *sample, uint32_t unit, uint32_t least, double scale,
                                 const REAL *in, REAL *out)
{
  const REAL by = (REAL)scale;

  WEFT_VECTOR_LOOP()
  for (size_t i = 0; i < ld; ++i) out[i] = Mix(sample[i] + unit) >= least ? by * in[i] : 0;
}
