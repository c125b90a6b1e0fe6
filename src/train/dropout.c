/* Dropout whose choices are keyed by seed, step, sample and unit: no state, and the same on any rank count. */
#include "trainimpl.h"
#include <weft/random.h>

/* The finaliser of MurmurHash3 (Appleby): two multiplications that vectorise. */
static inline uint32_t Mix(uint32_t h)
{
  h ^= h >> 16;
  h *= 0x85ebca6bU;
  h ^= h >> 13;
  h *= 0xc2b2ae35U;
  return h ^ (h >> 16);
}

#define REAL    float
#define NAME(x) x##Single
#include "dropoutkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "dropoutkernel.h"

void WeftDropoutKeys(uint64_t seed, PetscInt64 step, size_t m, const size_t row[], PetscInt64 row0, uint32_t keys[])
{
  for (size_t i = 0; i < m; ++i) {
    WeftRandom rng;
    WeftRandomInit(&rng, seed + (uint64_t)step * UINT64_C(0x9e3779b97f4a7c15), WEFT_STREAM_DROPOUT,
                   (uint64_t)row0 + row[i]);
    keys[i] = (uint32_t)(WeftRandomBits(&rng) >> 32);
  }
}

void WeftDropoutApply(const WeftDropout *dropout, const WeftBlock *in, WeftBlock *out)
{
  const uint32_t least = (uint32_t)(dropout->rate * 4294967296.0); /* rate < 1 */
  const double   scale = 1 / (1 - dropout->rate);

  for (size_t u = 0; u < in->rows; ++u) {
    const uint32_t unit = Mix((uint32_t)u * 0x9e3779b9U + dropout->level);
    const size_t   at = u * in->cols;
    if (in->precision == WEFT_SINGLE)
      DropSingle(in->cols, dropout->sample, unit, least, scale, in->values.s + at, out->values.s + at);
    else
      DropDouble(in->cols, dropout->sample, unit, least, scale, in->values.d + at, out->values.d + at);
  }
}
