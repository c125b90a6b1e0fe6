#include <weft/random.h>
#include <math.h>

static uint64_t Mix(uint64_t z)
{
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void WeftRandomInit(WeftRandom *rng, uint64_t seed, WeftStream stream, uint64_t index)
{
  rng->state = Mix(Mix(Mix(seed + 0x9e3779b97f4a7c15ULL) + (uint64_t)stream + 1) + index);
}

uint64_t WeftRandomBits(WeftRandom *rng)
{
  rng->state += 0x9e3779b97f4a7c15ULL;
  return Mix(rng->state);
}

double WeftRandomUniform(WeftRandom *rng)
{
  return (double)(WeftRandomBits(rng) >> 11) * 0x1.0p-53;
}

uint64_t WeftRandomBelow(WeftRandom *rng, uint64_t bound)
{
  const uint64_t reject = (0 - bound) % bound; /* values below it would make the low results likelier */
  uint64_t       r;

  do {
    r = WeftRandomBits(rng);
  } while (r < reject);
  return r % bound;
}

double WeftRandomNormal(WeftRandom *rng)
{
  const double u = 1.0 - WeftRandomUniform(rng), v = WeftRandomUniform(rng);

  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
