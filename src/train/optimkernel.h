/* The loops of optimiser.c for REAL = float and double. The first two return 0, or NaN where a number that they made is
   infinite or NaN. */

/* Adam (Kingma & Ba 2015), decay apart from the gradient (Loshchilov & Hutter 2019). scale: of the gradient. */
WEFT_SIMD static REAL NAME(Adam)(size_t n, const REAL *gradient, double scale, double rate, double decay,
                                 double first_left, double second_left, REAL *m, REAL *v, REAL *w)
{
  const REAL g_scale = (REAL)scale, b1 = (REAL)adam_first, b2 = (REAL)adam_second, epsilon = (REAL)adam_epsilon;
  const REAL step = (REAL)(rate / first_left), root = (REAL)(1 / second_left), keep = (REAL)(1 - rate * decay);
  REAL       left = 0;

  WEFT_VECTOR_LOOP(reduction(+ : left))
  for (size_t i = 0; i < n; ++i) {
    const REAL g = g_scale * gradient[i];
    m[i] = b1 * m[i] + (1 - b1) * g;
    v[i] = b2 * v[i] + (1 - b2) * g * g;
    w[i] = keep * w[i] - step * m[i] / ((REAL)sqrt(root * v[i]) + epsilon);
    left += 0 * (w[i] + v[i]);
  }
  return left;
}

WEFT_SIMD static REAL NAME(Momentum)(size_t n, const REAL *gradient, double scale, double rate, double decay,
                                     double momentum, REAL *m, REAL *w)
{
  const REAL g_scale = (REAL)scale, kept = (REAL)momentum, step = (REAL)rate, keep = (REAL)(1 - rate * decay);
  REAL       left = 0;

  WEFT_VECTOR_LOOP(reduction(+ : left))
  for (size_t i = 0; i < n; ++i) {
    m[i] = kept * m[i] + g_scale * gradient[i];
    w[i] = keep * w[i] - step * m[i];
    left += 0 * (w[i] + m[i]);
  }
  return left;
}

WEFT_SIMD static void NAME(Average)(size_t n, const REAL *w, double part, REAL *average)
{
  const REAL add = (REAL)part;

  WEFT_VECTOR_LOOP()
  for (size_t i = 0; i < n; ++i) average[i] += add * (w[i] - average[i]);
}
