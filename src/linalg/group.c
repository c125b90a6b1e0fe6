#include <weft/group.h>

enum { CHUNK = 64 }; /* problems side by side: a chunk's sums stay in registers and first-level cache */

/* Σ b²/(h s + t)² and Σ b² h/(h s + t)³ for every problem of the chunk. */
static inline __attribute__((always_inline)) void Secular(size_t n, int p, const double h[], double t, const double *b,
                                                          size_t ld, const double s[], double phi[], double slope[])
{
  for (size_t j = 0; j < n; ++j) phi[j] = slope[j] = 0;
  for (int i = 0; i < p; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const double r = 1.0 / (h[i] * s[j] + t), w = b[(size_t)i * ld + j] * r;
      phi[j] += w * w;
      slope[j] += w * w * h[i] * r;
    }
  }
}

/* One Newton step on ψ for every problem that has a root; returns the largest relative change. */
static inline __attribute__((always_inline)) double NewtonStep(size_t n, const double phi[], const double slope[],
                                                               double s[])
{
  double most = 0;

  for (size_t j = 0; j < n; ++j) {
    /* ψ = φ^(-1/2), ψ' = φ^(-3/2) slope: s + (1 − ψ)/ψ' */
    const double step = slope[j] > 0 ? phi[j] * (sqrt(phi[j]) - 1.0) / slope[j] : 0.0;
    const double next = s[j] + step > 0 ? s[j] + step : 0.0;
    const double change = fabs(next - s[j]) / (next > 1e-300 ? next : 1.0);
    most = change > most ? change : most;
    s[j] = next;
  }
  return most;
}

static inline __attribute__((always_inline)) void SolveChunk(size_t n, int p, const double h[], double t,
                                                             const double *b, size_t ld, double *z, size_t ld_z)
{
  double s[CHUNK], phi[CHUNK], slope[CHUNK], norm[CHUNK];

  for (size_t j = 0; j < n; ++j) s[j] = norm[j] = 0;
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j) norm[j] += b[(size_t)i * ld + j] * b[(size_t)i * ld + j];
  for (int it = 0; it < WEFT_GROUP_MAX_NEWTON; ++it) {
    Secular(n, p, h, t, b, ld, s, phi, slope);
    for (size_t j = 0; j < n; ++j)
      if (norm[j] <= t * t) phi[j] = 1.0; /* no root: stays at zero */
    if (NewtonStep(n, phi, slope, s) <= 1e-15) break;
  }
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j)
      z[(size_t)i * ld_z + j] = norm[j] > t * t ? b[(size_t)i * ld + j] * s[j] / (h[i] * s[j] + t) : 0.0;
}

/* Without a threshold the components separate. */
static void SolveSmooth(size_t n, int p, const double h[], const double *b, size_t ld, double *z, size_t ld_z)
{
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j) z[(size_t)i * ld_z + j] = h[i] > 0 ? b[(size_t)i * ld + j] / h[i] : 0.0;
}

/* Most rows of a sparse dictionary are below the threshold: a chunk of such rows costs one pass. */
static inline __attribute__((always_inline)) int AllBelow(size_t n, int p, double t, const double *b, size_t ld)
{
  double norm[CHUNK], most = 0;

  for (size_t j = 0; j < n; ++j) norm[j] = 0;
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j) norm[j] += b[(size_t)i * ld + j] * b[(size_t)i * ld + j];
  for (size_t j = 0; j < n; ++j) most = norm[j] > most ? norm[j] : most;
  return most <= t * t;
}

WEFT_SIMD static void SolveChunks(size_t n, int p, const double h[], double t, const double *b, size_t ld, double *z,
                                  size_t ld_z)
{
  for (size_t j = 0; j < n; j += CHUNK) {
    const size_t m = n - j < CHUNK ? n - j : CHUNK;
    if (AllBelow(m, p, t, b + j, ld)) {
      for (int i = 0; i < p; ++i)
        for (size_t l = 0; l < m; ++l) z[(size_t)i * ld_z + j + l] = 0;
    } else {
      SolveChunk(m, p, h, t, b + j, ld, z + j, ld_z);
    }
  }
}

void WeftGroupSolveMany(size_t n, int p, const double h[], double t, const double *b, size_t ld, double *z, size_t ld_z)
{
  if (t > 0)
    SolveChunks(n, p, h, t, b, ld, z, ld_z);
  else
    SolveSmooth(n, p, h, b, ld, z, ld_z);
}
