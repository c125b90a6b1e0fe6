/* Random numbers keyed by (seed, stream, global index), so that a value does not depend on the rank that draws it. */
#pragma once
#include <stdint.h>

/* What a number is for: streams with the same seed and index are independent. */
typedef enum {
  WEFT_STREAM_SYNTH,  /* one index per synthetic sample */
  WEFT_STREAM_BATCH,  /* one index per (epoch, stratum) */
  WEFT_STREAM_ATOM,   /* one index per initial atom */
  WEFT_STREAM_RESEED, /* one index per re-seeded group */
  WEFT_STREAM_TEST,
  WEFT_STREAM_SUPPORT, /* one index per group whose inputs are drawn */
  WEFT_STREAM_WEIGHT,  /* one index per row of weights */
  WEFT_STREAM_DROPOUT  /* one index per sample */
} WeftStream;

typedef struct {
  uint64_t state;
} WeftRandom;

/* SplitMix64 (Steele, Lea, Flood 2014): the key is hashed into the state. */
extern void     WeftRandomInit(WeftRandom *rng, uint64_t seed, WeftStream stream, uint64_t index);
extern uint64_t WeftRandomBits(WeftRandom *rng);
extern double   WeftRandomUniform(WeftRandom *rng);               /* in [0, 1) */
extern uint64_t WeftRandomBelow(WeftRandom *rng, uint64_t bound); /* in [0, bound), bound > 0 */
extern double   WeftRandomNormal(WeftRandom *rng);                /* mean 0, variance 1 */
