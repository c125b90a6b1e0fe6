#include <weft/group.h>

enum { CHUNK = 64 }; /* problems side by side: a chunk's sums stay in registers and first-level cache */

/* One Newton step on ψ for every problem of the chunk; returns the largest relative change.
   φ = Σ b²/(h s + t)², slope = Σ b² h/(h s + t)³, ψ = φ^(-1/2), ψ' = φ^(-3/2) slope: s + (1 − ψ)/ψ' */
static inline __attribute__((always_inline)) double NewtonStep(size_t n, int p, const double h[], double t,
                                                               const double *b, size_t ld, double s[])
{
  double phi[CHUNK], slope[CHUNK], most = 0;

  for (size_t j = 0; j < n; ++j) phi[j] = slope[j] = 0;
  for (int i = 0; i < p; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const double r = 1.0 / (h[i] * s[j] + t), w = b[(size_t)i * ld + j] * r;
      phi[j] += w * w;
      slope[j] += w * w * h[i] * r;
    }
  }
  for (size_t j = 0; j < n; ++j) {
    const double step = s[j] > 0 ? phi[j] * (sqrt(phi[j]) - 1.0) / slope[j] : 0.0;
    const double next = s[j] + step > 0 ? s[j] + step : 0.0;
    const double change = next > 0 ? fabs(step) / next : 0.0;
    most = change > most ? change : most;
    s[j] = next;
  }
  return most;
}

/* Where Newton's first step from 0 leads: (‖b‖ − t)/(mean of h weighted by b²), exact for equal h; 0 is the answer
   where ‖b‖ <= t. */
static inline __attribute__((always_inline)) void Start(size_t n, int p, const double h[], double t, const double *b,
                                                        size_t ld, double s[])
{
  double norm[CHUNK], weighted[CHUNK];

  for (size_t j = 0; j < n; ++j) norm[j] = weighted[j] = 0;
  for (int i = 0; i < p; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const double square = b[(size_t)i * ld + j] * b[(size_t)i * ld + j];
      norm[j] += square;
      weighted[j] += h[i] * square;
    }
  }
  for (size_t j = 0; j < n; ++j) s[j] = norm[j] > t * t ? (sqrt(norm[j]) - t) * norm[j] / weighted[j] : 0.0;
}

static inline __attribute__((always_inline)) void SolveChunk(size_t n, int p, const double h[], double t,
                                                             const double *b, size_t ld, double *z, size_t ld_z)
{
  double s[CHUNK];

  Start(n, p, h, t, b, ld, s);
  for (int it = 0; it < WEFT_GROUP_MAX_NEWTON; ++it) /* a step of 1e-8 leaves an error of about 1e-16 */
    if (NewtonStep(n, p, h, t, b, ld, s) <= 1e-8) break;
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j)
      z[(size_t)i * ld_z + j] = s[j] > 0 ? b[(size_t)i * ld + j] * s[j] / (h[i] * s[j] + t) : 0.0;
}

/* Without a threshold the components separate. */
static void SolveSmooth(size_t n, int p, const double h[], const double *b, size_t ld, double *z, size_t ld_z)
{
  for (int i = 0; i < p; ++i)
    for (size_t j = 0; j < n; ++j) z[(size_t)i * ld_z + j] = h[i] > 0 ? b[(size_t)i * ld + j] / h[i] : 0.0;
}

WEFT_SIMD static void SolveChunks(size_t n, int p, const double h[], double t, const double *b, size_t ld, double *z,
                                  size_t ld_z)
{
  for (size_t j = 0; j < n; j += CHUNK) SolveChunk(n - j < CHUNK ? n - j : CHUNK, p, h, t, b + j, ld, z + j, ld_z);
}

void WeftGroupSolveMany(size_t n, int p, const double h[], double t, const double *b, size_t ld, double *z, size_t ld_z)
{
  if (t > 0)
    SolveChunks(n, p, h, t, b, ld, z, ld_z);
  else
    SolveSmooth(n, p, h, b, ld, z, ld_z);
}
