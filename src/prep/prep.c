#include "prepimpl.h"
#include <weft/spectral.h>
#include <math.h>
#include <stdlib.h>

static const double least_ridge = 1e-6, least_floor = 1e-6, most = 1e6;
static const int    most_block = 4096;

enum { RIDGE, CONTRAST_FLOOR, BLOCK }; /* places in the table */

const WeftOption WeftPrepOptions[] = {
  [RIDGE] = {"-weft_whitening_ridge", "R", "0.1", "whitening: added to each eigenvalue, as a fraction of their mean"},
  [CONTRAST_FLOOR] = {"-weft_contrast_floor", "R", "0.1",
                      "contrast normalisation: least divisor, as a fraction of the mean contrast"},
  [BLOCK] = {"-weft_whitening_block", "N", "64", "block size of the distributed eigendecomposition"},
  {0}};

PetscErrorCode WeftPrepCreate(MPI_Comm comm, PetscInt d, WeftPrep *prep)
{
  PetscFunctionBegin;
  PetscCheck(d >= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "samples must have a feature");
  PetscCall(PetscNew(prep));
  (*prep)->comm = comm;
  (*prep)->d = d;
  (*prep)->ridge = strtod(WeftPrepOptions[RIDGE].fallback, NULL);
  (*prep)->floor_option = strtod(WeftPrepOptions[CONTRAST_FLOOR].fallback, NULL);
  (*prep)->block = atoi(WeftPrepOptions[BLOCK].fallback);
  PetscCall(WeftPanelRange(comm, d, &(*prep)->row0, &(*prep)->rows));
  PetscCall(PetscCalloc2(d, &(*prep)->mean, (size_t)(*prep)->rows * (size_t)d, &(*prep)->whitening));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepDestroy(WeftPrep *prep)
{
  PetscFunctionBegin;
  if (!*prep) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*prep)->mean, (*prep)->whitening));
  PetscCall(PetscFree((*prep)->used));
  PetscCall(PetscFree(*prep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetFromOptions(WeftPrep prep)
{
  PetscInt64 block;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetReal(WeftPrepOptions, WeftPrepOptions[RIDGE].name, least_ridge, most, &prep->ridge));
  PetscCall(
    WeftOptionsGetReal(WeftPrepOptions, WeftPrepOptions[CONTRAST_FLOOR].name, least_floor, most, &prep->floor_option));
  PetscCall(WeftOptionsGetInt(WeftPrepOptions, WeftPrepOptions[BLOCK].name, 1, most_block, &block));
  prep->block = (PetscInt)block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetRidge(WeftPrep prep, double ridge)
{
  PetscFunctionBegin;
  PetscCheck(ridge >= least_ridge && ridge <= most, prep->comm, PETSC_ERR_ARG_OUTOFRANGE, "ridge %g", ridge);
  prep->ridge = ridge;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetContrastFloor(WeftPrep prep, double floor)
{
  PetscFunctionBegin;
  PetscCheck(floor >= least_floor && floor <= most, prep->comm, PETSC_ERR_ARG_OUTOFRANGE, "contrast floor %g", floor);
  prep->floor_option = floor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetBlock(WeftPrep prep, PetscInt block)
{
  PetscFunctionBegin;
  PetscCheck(block >= 1 && block <= most_block, prep->comm, PETSC_ERR_ARG_OUTOFRANGE, "block size %" PetscInt_FMT,
             block);
  prep->block = block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetUsed(WeftPrep prep, const unsigned char used[])
{
  PetscFunctionBegin;
  if (!prep->used) PetscCall(PetscMalloc1(prep->d, &prep->used));
  PetscCall(PetscArraycpy(prep->used, used, prep->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckShape(WeftPrep prep, const WeftBlock *x)
{
  PetscFunctionBegin;
  PetscCheck(x->cols == (size_t)prep->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "samples have %zu features, the preprocessing %" PetscInt_FMT, x->cols, prep->d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The contrast floor, and how many samples there are on all ranks. */
static PetscErrorCode FitContrast(WeftPrep prep, const WeftBlock *x, double *samples)
{
  WeftContrastSums sums;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_PREPARE));
  PetscCall(WeftContrastMeasure(x, &sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sums, 3, MPI_DOUBLE, MPI_SUM, prep->comm));
  PetscCall(WeftEventEnd(WEFT_EVENT_PREPARE));
  WeftUserCheck(sums.samples > 0, prep->comm, "there are no samples to learn from");
  WeftUserCheck(isfinite(sums.square), prep->comm,
                "the samples hold a value that is infinite or not a number: mend or leave out such samples");
  /* Round-off in a constant sample's variance is near 1e-32 of its square. */
  WeftUserCheck(sums.variance > 1e-24 * sums.square, prep->comm,
                "no sample has any contrast (each is constant over its %" PetscInt_FMT
                " features): there is nothing to learn",
                prep->d);
  prep->contrast_floor = prep->floor_option * sqrt(sums.variance / sums.samples);
  *samples = sums.samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x <- cn(x), and the mean of its features. */
static PetscErrorCode FitMean(WeftPrep prep, WeftBlock *x, double samples)
{
  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_PREPARE));
  PetscCall(PetscArrayzero(prep->mean, prep->d));
  PetscCall(WeftContrastNormalise(prep->contrast_floor, x, prep->mean));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, prep->mean, (int)prep->d, MPI_DOUBLE, MPI_SUM, prep->comm));
  for (PetscInt j = 0; j < prep->d; ++j) prep->mean[j] /= samples;
  PetscCall(WeftEventEnd(WEFT_EVENT_PREPARE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitWhitening(WeftPrep prep, const WeftBlock *x, double samples)
{
  /* cn(x) has a mean square near 1; below this is what rounding its values leaves. */
  const double nothing = x->precision == WEFT_SINGLE ? 1e-13 : 1e-28;
  double       variance;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_WHITEN));
  PetscCall(WeftCovariance(prep->comm, x, (WeftRows){0, 1}, prep->mean, samples, prep->whitening));
  PetscCall(WeftWhitenMatrix(prep, prep->whitening, &variance));
  PetscCall(WeftEventEnd(WEFT_EVENT_WHITEN));
  WeftUserCheck(samples < 2 || variance > nothing, prep->comm,
                "all samples are the same up to brightness and contrast: there is nothing to learn");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepFit(WeftPrep prep, WeftBlock *x)
{
  double samples;

  PetscFunctionBegin;
  PetscCall(CheckShape(prep, x));
  prep->ready = PETSC_FALSE;
  PetscCall(FitContrast(prep, x, &samples));
  PetscCall(FitMean(prep, x, samples));
  PetscCall(FitWhitening(prep, x, samples));
  prep->ready = PETSC_TRUE;
  PetscCall(WeftEventBegin(WEFT_EVENT_WHITEN));
  PetscCall(WeftWhitenApply(prep, x));
  PetscCall(WeftEventEnd(WEFT_EVENT_WHITEN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepApply(WeftPrep prep, WeftBlock *x)
{
  PetscFunctionBegin;
  PetscCheck(prep->ready, prep->comm, PETSC_ERR_ORDER, "call WeftPrepFit() or WeftPrepSetParameters() first");
  PetscCall(CheckShape(prep, x));
  PetscCall(WeftEventBegin(WEFT_EVENT_PREPARE));
  PetscCall(WeftContrastNormalise(prep->contrast_floor, x, NULL));
  PetscCall(WeftEventEnd(WEFT_EVENT_PREPARE));
  PetscCall(WeftEventBegin(WEFT_EVENT_WHITEN));
  PetscCall(WeftWhitenApply(prep, x));
  PetscCall(WeftEventEnd(WEFT_EVENT_WHITEN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepCentre(WeftPrep prep, WeftBlock *x)
{
  double *row;

  PetscFunctionBegin;
  PetscCheck(prep->ready, prep->comm, PETSC_ERR_ORDER, "call WeftPrepFit() or WeftPrepSetParameters() first");
  PetscCall(CheckShape(prep, x));
  PetscCall(WeftEventBegin(WEFT_EVENT_PREPARE));
  PetscCall(WeftContrastNormalise(prep->contrast_floor, x, NULL));
  PetscCall(PetscMalloc1(prep->d, &row));
  for (size_t i = 0; i < x->rows; ++i) {
    WeftBlockGetRow(x, i, row);
    for (PetscInt j = 0; j < prep->d; ++j) row[j] -= prep->mean[j];
    WeftBlockSetRow(x, i, row);
  }
  PetscCall(PetscFree(row));
  PetscCall(WeftEventEnd(WEFT_EVENT_PREPARE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepGetParameters(WeftPrep prep, WeftPrepParameters *parameters)
{
  PetscFunctionBegin;
  *parameters = (WeftPrepParameters){.d = prep->d,
                                     .row0 = prep->row0,
                                     .rows = prep->rows,
                                     .mean = prep->mean,
                                     .whitening = prep->whitening,
                                     .contrast_floor = prep->contrast_floor,
                                     .ridge = prep->ridge};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPrepSetParameters(WeftPrep prep, const WeftPrepParameters *parameters)
{
  PetscFunctionBegin;
  PetscCheck(parameters->d == prep->d && parameters->row0 == prep->row0 && parameters->rows == prep->rows,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "parameters of another shape or distribution");
  PetscCheck(parameters->contrast_floor > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "contrast floor %g",
             parameters->contrast_floor);
  PetscCall(PetscArraycpy(prep->mean, parameters->mean, prep->d));
  PetscCall(PetscArraycpy(prep->whitening, parameters->whitening, (size_t)prep->rows * (size_t)prep->d));
  prep->contrast_floor = parameters->contrast_floor;
  prep->ridge = parameters->ridge;
  prep->ready = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
