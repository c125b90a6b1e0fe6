/* The model of an iteration's time that weft bench scaling measures and continues. */
#pragma once
#include "benchimpl.h"
#include <weft/cost.h>

typedef enum {
  WEFT_PART_CODE,       /* a rank's samples */
  WEFT_PART_STATISTICS, /* its own sums over them */
  WEFT_PART_DICTIONARY, /* its rows of D */
  WEFT_PART_GRAM,       /* its rows of the Gram matrix */
  WEFT_PART_WHOLE,      /* what every rank does whole: A, the atoms, what the coder makes of the Gram matrix */
  WEFT_PART_MESSAGES,
  WEFT_PARTS
} WeftPart;
extern const char *const WeftPartNames[WEFT_PARTS];

/* What is measured: one rank's iteration while the others rest, and the messages of all. */
typedef struct {
  WeftLayerShape shape;                /* of that iteration, on one rank */
  double         seconds[WEFT_PARTS];  /* without messages */
  double         latency, byte_second; /* a step of a small all-reduce; a byte of a large one */
} WeftModel;

/* WeftModelPredict - seconds [WEFT_PARTS] of an iteration of another shape, the total as result. Each part grows with
   its leading term from what was measured at shape 0, N' samples of the batch and R rows to a rank:
     code N' d k; statistics N' k (d + a k) with a the active fraction; dictionary R k (k + 64) inner; gram d k²/P;
     whole k (k + d); messages: latency ceil(log2 P) for each collective and byte_second for each byte sent.
   crowd: ranks that share a core, >= 1, by which all but the messages take longer. Not collective. */
extern double WeftModelPredict(const WeftModel *model, const WeftLayerShape *shape, double crowd, double seconds[]);
