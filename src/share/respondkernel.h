/* The loops of respond.c for REAL = float and double. */

/* The windows around all sites of a sample, one a row; padded has room for the lattice with half a window around it. */
static void NAME(Windows)(const WeftShared *s, const REAL *x, REAL *padded, REAL *windows)
{
  const size_t w = (size_t)s->settings.window, half = w / 2, channels = (size_t)s->input.channels;
  const size_t rows = (size_t)s->input.rows, cols = (size_t)s->input.cols, stride = (cols + w - 1) * channels;

  for (PetscInt j = 0; j < s->input.inputs; ++j)
    if (s->input.row[j] >= 0)
      padded[((size_t)s->input.row[j] + half) * stride + ((size_t)s->input.col[j] + half) * channels +
             (size_t)s->input.channel[j]] = x[j];
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c)
      for (size_t i = 0; i < w; ++i, windows += w * channels) {
        const REAL *line = padded + (r + i) * stride + c * channels;
        for (size_t j = 0; j < w * channels; ++j) windows[j] = line[j];
      }
}

/* From the answers [sites, prototypes p] of a sample to its outputs. */
static void NAME(Pool)(const WeftShared *s, double lambda, const REAL *answers, REAL *y, size_t outputs)
{
  const size_t K = (size_t)s->settings.prototypes, p = (size_t)s->group_size, pool = (size_t)s->settings.pool;
  const size_t rows = (size_t)s->input.rows, cols = (size_t)s->input.cols, coarse = (cols + pool - 1) / pool;
  const REAL   threshold = (REAL)(lambda * sqrt((double)p));

  for (size_t o = 0; o < outputs; ++o) y[o] = 0;
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) {
      REAL *out = y + (r / pool * coarse + c / pool) * K;
      for (size_t k = 0; k < K; ++k, answers += p) {
        REAL square = 0, norm;
        for (size_t a = 0; a < p; ++a) square += answers[a] * answers[a];
        norm = (REAL)sqrt((double)square) - threshold;
        if (norm > 0) out[k] += norm * norm;
      }
    }
  for (size_t o = 0; o < outputs; ++o) y[o] = (REAL)sqrt((double)y[o]);
}
