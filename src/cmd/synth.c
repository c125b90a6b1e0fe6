#include "cmd.h"
#include <weft/lock.h>
#include <weft/output.h>
#include <weft/synth.h>

static const WeftOption options[] = {
  {"-o", "FILE", NULL, "the data file to write; must not exist yet"},
  {"-samples", "N", "10000", "training pictures"},
  {"-test_samples", "N", "2000", "test pictures; 0 for none"},
  {"-size", "S", "28", "pixels a side"},
  {"-channels", "1|3", "1", "1: grey, 3: colour"},
  {"-seed", "SEED", "1", "another seed, other pictures"},
  {NULL, NULL, NULL, NULL},
};

/* Beyond any disk, and far below where a product of sizes would overflow. */
static const PetscInt64 most_samples = 1000000000000;

static PetscErrorCode RunSynth(const char word[])
{
  char         output[PETSC_MAX_PATH_LEN];
  PetscInt64   size, seed;
  int          colour;
  WeftSynth    synth = {0};
  WeftDataInfo info;

  PetscFunctionBegin;
  (void)word;
  PetscCall(WeftOptionsGetNeeded(options, "-o", sizeof(output), output));
  PetscCall(WeftOptionsGetInt(options, "-samples", 1, most_samples, &synth.samples[WEFT_TRAIN]));
  PetscCall(WeftOptionsGetInt(options, "-test_samples", 0, most_samples, &synth.samples[WEFT_TEST]));
  PetscCall(WeftOptionsGetInt(options, "-size", WEFT_SYNTH_MIN_SIZE, WEFT_SYNTH_MAX_SIZE, &size));
  PetscCall(WeftOptionsGetChoice(options, "-channels", "1|3", &colour));
  PetscCall(WeftOptionsGetInt(options, "-seed", 0, INT64_MAX, &seed));
  synth.size = (int)size;
  synth.channels = colour ? 3 : 1;
  synth.seed = (uint64_t)seed;
  PetscCall(WeftLockTake(PETSC_COMM_WORLD, "-o", output));
  PetscCall(WeftOutputCheckNew(PETSC_COMM_WORLD, "-o", output));
  PetscCall(WeftSynthWrite(PETSC_COMM_WORLD, &synth, output, &info));
  PetscCall(WeftCmdDescribeData("synth", output, &info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbSynth = {"synth",
                                NULL,
                                "draw labelled pictures with natural statistics (dead leaves)",
                                "  weft synth -o data.h5 [-samples N] [-test_samples N] [-size S] [-seed S]\n",
                                {options},
                                RunSynth};
