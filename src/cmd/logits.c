/* weft encode -network: what a trained network answers. */
#include "check.h"
#include "cmd.h"
#include <weft/features.h>
#include <weft/train.h>

enum { AT_ONCE = 256 };

/* A network as an encoder. */
typedef struct {
  WeftNetwork network;
  WeftPrep    prep;
  WeftPass    pass;
  char        path[PETSC_MAX_PATH_LEN];
  double      samples; /* this rank's */
} Answers;

/* Columns of the pass's logits to rows of y from first on. */
static void Turn(const WeftBlock *logits, size_t first, size_t count, WeftBlock *y)
{
  for (size_t i = 0; i < count; ++i)
    for (size_t c = 0; c < logits->rows; ++c) WeftBlockSet(y, first + i, c, WeftBlockGet(logits, c, i));
}

static PetscErrorCode Encode(void *ctx, const WeftBlock *x, WeftBlock *y)
{
  Answers         *a = ctx;
  WeftBlock        samples;
  const WeftBlock *logits;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(x->rows, x->cols, x->precision, &samples));
  PetscCall(PetscMemcpy(samples.values.v, x->values.v, x->rows * x->cols * WeftPrecisionBytes(x->precision)));
  PetscCall(WeftTrainPrepare(&a->network, a->prep, &samples));
  for (size_t first = 0; first < x->rows; first += AT_ONCE) {
    const WeftBlock part = WeftBlockRows(&samples, first, PetscMin(AT_ONCE, x->rows - first));
    PetscCall(WeftPassLoad(a->pass, &part, part.rows, NULL));
    PetscCall(WeftPassForward(a->pass));
    PetscCall(WeftPassLogits(a->pass, &logits));
    Turn(logits, first, part.rows, y);
  }
  PetscCall(WeftBlockDestroy(&samples));
  a->samples += (double)x->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(void *ctx, hid_t file)
{
  const Answers *a = ctx;

  PetscFunctionBegin;
  PetscCall(WeftH5SetText(file, "/", "network", a->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(Answers *a, const char path[], const char data_path[], WeftPrecision precision,
                           const WeftDataInfo *info)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;
  WeftRunState   state;

  PetscFunctionBegin;
  PetscCall(WeftNetworkFileInspect(comm, "-network", path, &state));
  WeftUserCheck(state != WEFT_RUN_MISSING, comm, "-network %s: no such file", path);
  WeftUserCheck(state == WEFT_RUN_COMPLETE, comm, "-network %s: a checkpoint; finish it with weft train -resume", path);
  PetscCall(WeftNetworkFileRead(comm, "-network", path, precision, &a->network, &a->prep));
  WeftUserCheck((PetscInt64)a->network.inputs == info->features, comm,
                "-data %s: samples of %lld features; the network %s takes %zu", data_path, (long long)info->features,
                path, a->network.inputs);
  PetscCall(WeftPassCreate(comm, &a->network, AT_ONCE, &a->pass));
  PetscCall(PetscStrncpy(a->path, path, sizeof(a->path)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(Answers *a)
{
  PetscFunctionBegin;
  PetscCall(WeftPassDestroy(&a->pass));
  PetscCall(WeftPrepDestroy(&a->prep));
  PetscCall(WeftNetworkDestroy(&a->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Summarise(const Answers *a, const char output[], double seconds)
{
  double samples = a->samples;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &samples, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%.0f samples: logits of %zu classes by %s, %.1f s; written: %s\n", samples,
                        a->network.classes, a->path, seconds, output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCmdCheckNetwork(const char path[], const char data_path[], const char output[],
                                   WeftPrecision precision)
{
  Answers      a = {0};
  WeftData     data;
  WeftRunState state;
  char         more[PETSC_MAX_PATH_LEN + 64];

  PetscFunctionBegin;
  (void)output;
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", data_path, &data));
  PetscCall(WeftNetworkFileInspect(PETSC_COMM_WORLD, "-network", path, &state));
  if (state == WEFT_RUN_COMPLETE) {
    PetscCall(Open(&a, path, data_path, precision, WeftDataGetInfo(data)));
    snprintf(more, sizeof(more), ", logits of %zu classes", a.network.classes);
    PetscCall(Close(&a));
  } else {
    WeftCheckAwaits(path, state, sizeof(more), more);
  }
  PetscCall(WeftCheckTell(WeftDataGetInfo(data), more));
  PetscCall(WeftDataClose(&data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCmdEncodeNetwork(const char path[], const char data_path[], const char output[],
                                    WeftPrecision precision)
{
  const double begin = MPI_Wtime();
  Answers      a = {0};
  WeftEncoder  encoder = {.name = "logits",
                          .description = "logits of the network; the largest is its answer",
                          .column = "class",
                          .precision = precision,
                          .ctx = &a,
                          .encode = Encode,
                          .describe = Describe};
  WeftData     data;
  PetscBool    stopped;

  PetscFunctionBegin;
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", data_path, &data));
  PetscCall(Open(&a, path, data_path, precision, WeftDataGetInfo(data)));
  encoder.cols = (PetscInt64)a.network.classes;
  PetscCall(WeftBlasSay(PETSC_COMM_WORLD));
  PetscCall(WeftFeaturesWrite(PETSC_COMM_WORLD, output, data, &encoder, &stopped));
  if (stopped) {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "stopped before the end; %s was not written: run again\n", output));
    WeftExitStatus(WEFT_EXIT_STOPPED);
  } else {
    PetscCall(Summarise(&a, output, MPI_Wtime() - begin));
  }
  PetscCall(WeftDataClose(&data));
  PetscCall(Close(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}
