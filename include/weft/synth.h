/* Synthetic pictures with natural statistics: dead leaves (Lee, Mumford & Huang 2001) behind one labelled shape. */
#pragma once
#include <weft/data.h>

enum { WEFT_SYNTH_CLASSES = 10, WEFT_SYNTH_MIN_SIZE = 8, WEFT_SYNTH_MAX_SIZE = 1024 };

typedef struct {
  PetscInt64 samples[WEFT_NUM_SPLITS]; /* training at least 1, test 0 or more */
  int        size;                     /* pixels a side, WEFT_SYNTH_MIN_SIZE .. WEFT_SYNTH_MAX_SIZE */
  int        channels;                 /* 1 (grey) or 3 (colour, stored plane by plane) */
  uint64_t   seed;
} WeftSynth;

/* One picture, channels size size bytes into pixels[], and its class into label: a pure function of the seed, the split
   and the sample's index in it. Not collective. */
extern PetscErrorCode WeftSynthDraw(const WeftSynth *synth, WeftSplit split, PetscInt64 index, uint8_t pixels[],
                                    int32_t *label);
/* The name of a class ("disc"). */
extern const char *WeftSynthClass(int label);

/* Writes a data file of such pictures; info (on return) is what it holds. Collective; the content does not depend on
   the number of ranks. output must not exist yet. */
extern PetscErrorCode WeftSynthWrite(MPI_Comm comm, const WeftSynth *synth, const char output[], WeftDataInfo *info);
