/* The verbs of the command line, one file each; main.c lists them. */
#pragma once
#include <weft/block.h>
#include <weft/data.h>
#include <weft/options.h>

extern const WeftVerb WeftVerbImport, WeftVerbSynth, WeftVerbLearn, WeftVerbEncode, WeftVerbTrain, WeftVerbInfo,
  WeftVerbBench;

/* One line on stdout from rank 0: what the data file at path, just written by the verb, holds. Collective. */
extern PetscErrorCode WeftCmdDescribeData(const char verb[], const char path[], const WeftDataInfo *info);

/* weft encode with -network: logits of the data file's samples into a new file. Collective. */
extern PetscErrorCode WeftCmdEncodeNetwork(const char path[], const char data_path[], const char output[],
                                           WeftPrecision precision);

/* The same with -check: nothing is written. */
extern PetscErrorCode WeftCmdCheckNetwork(const char path[], const char data_path[], const char output[],
                                          WeftPrecision precision);

/* The exit status of a verb that ended in order but not done (WEFT_EXIT_STOPPED). */
extern void WeftExitStatus(int status);
