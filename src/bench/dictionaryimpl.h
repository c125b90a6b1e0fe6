/* The two halves of weft bench dictionary. */
#pragma once
#include "benchimpl.h"
#include <weft/dict.h>

/* Learning from the problem's atoms with λ of problem L and nothing else in the objective: the mean objective of the
   test set against CPU-seconds. Collective. */
extern PetscErrorCode WeftBenchLearning(WeftBench *bench, const WeftBenchProblem *problem);
