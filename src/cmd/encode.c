#include "check.h"
#include "cmd.h"
#include <weft/features.h>
#include <weft/lock.h>
#include <weft/structure.h>

static const WeftOption options[] = {
  {"-structure", "F.h5", NULL, "run file of weft learn, whose layers' responses are wanted"},
  {"-network", "F.h5", NULL, "or network file of weft train, whose logits are wanted"},
  {"-data", "F.h5", NULL, "data file"},
  {"-o", "F.h5", NULL, "features file to write; must not exist yet"},
  {"-layer", "L", NULL, "layer whose responses are wanted, the first being 0; the last if not given"},
  {"-codes_kind", "feedforward|exact", "feedforward",
   "one soft-threshold of the correlations, or the solution of the layer's coding problem"},
  {"-weft_precision", "single|double", "single", "numbers of the hot path; certificates are in double"},
  {NULL, NULL, NULL, NULL}};

static const char *const kinds[] = {"feedforward", "exact"};

/* A structure as an encoder. */
typedef struct {
  char            path[PETSC_MAX_PATH_LEN];
  WeftPrecision   precision;
  WeftStructure   structure;
  int             layers; /* samples go through so many */
  WeftCodesKind   kind;
  WeftBlock      *y; /* [layers]: views, only the last of them wanted */
  WeftCoderResult result;
  double          samples, active; /* this rank's; groups with a response in all of them */
} Responses;

static PetscErrorCode Encode(void *ctx, const WeftBlock *x, WeftBlock *y)
{
  Responses      *r = ctx;
  WeftCoderResult piece;

  PetscFunctionBegin;
  r->y[r->layers - 1] = *y;
  PetscCall(WeftStructureApplyAll(r->structure, r->layers, r->kind, x, r->y, &piece));
  WeftCoderResultAdd(&piece, &r->result);
  if (r->kind == WEFT_EXACT) PetscCall(WeftStructureCheckReached(r->structure, &piece));
  r->samples += (double)y->rows;
  for (size_t i = 0; i < y->rows; ++i)
    for (size_t g = 0; g < y->cols; ++g) r->active += WeftBlockGet(y, i, g) > 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(void *ctx, hid_t file)
{
  const Responses *r = ctx;
  char             text[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBegin;
  WeftStructureDescribe(r->structure, sizeof(text), text);
  PetscCall(WeftH5SetText(file, "/", "structure", text));
  PetscCall(WeftH5SetInt(file, "/", "layer", r->layers - 1));
  PetscCall(WeftH5SetText(file, "/", "codes_kind", kinds[r->kind]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r->layers: 0 stands for all of them. */
static PetscErrorCode ReadOptions(Responses *r)
{
  char       text[64];
  int        precision, kind;
  PetscInt64 layer = -1;
  PetscBool  given;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(options, "-structure", sizeof(r->path), r->path));
  PetscCall(WeftOptionsGetChoice(options, "-weft_precision", "single|double", &precision));
  PetscCall(WeftOptionsGetChoice(options, "-codes_kind", "feedforward|exact", &kind));
  PetscCall(WeftOptionsGetText(options, "-layer", sizeof(text), text, &given));
  if (given) PetscCall(WeftOptionsGetInt(options, "-layer", 0, INT_MAX - 1, &layer));
  r->layers = (int)layer + 1;
  r->kind = kind ? WEFT_EXACT : WEFT_FEEDFORWARD;
  r->precision = precision ? WEFT_DOUBLE : WEFT_SINGLE;
  if (r->kind == WEFT_EXACT) PetscCall(WeftCheckCoder());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The structure, the layer asked for, and its coder where codes are exact. */
static PetscErrorCode OpenResponses(Responses *r)
{
  WeftCoder coder;
  int       count;

  PetscFunctionBegin;
  PetscCall(WeftStructureOpen(PETSC_COMM_WORLD, "-structure", r->path, r->precision, &r->structure));
  count = (int)r->structure->count;
  WeftUserCheck(r->layers <= count, PETSC_COMM_WORLD, "-layer %d: %s has %d layer%s, of which the last is -layer %d",
                r->layers - 1, r->path, count, count == 1 ? "" : "s", count - 1);
  if (!r->layers) r->layers = count;
  PetscCall(PetscCalloc1(r->layers, &r->y));
  if (r->kind == WEFT_FEEDFORWARD) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftResponderGetCoder(&r->structure->layers[r->layers - 1].responder, &coder));
  PetscCall(WeftCoderSetFromOptions(coder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseResponses(Responses *r)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(r->y));
  if (r->structure) PetscCall(WeftStructureClose(&r->structure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Summarise(Responses *r, const WeftDataInfo *info, const char output[], double seconds)
{
  const MPI_Comm            comm = PETSC_COMM_WORLD;
  const WeftStructureLayer *of = &r->structure->layers[r->layers - 1];
  double                    sums[2] = {r->samples, r->active};
  char                      gap[64] = "";
  PetscInt64                bytes, alive = 0;

  PetscFunctionBegin;
  PetscCall(WeftPeakMemory(comm, &bytes));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, comm));
  if (r->kind == WEFT_EXACT) PetscCall(WeftStructureCheckReached(r->structure, &r->result));
  if (r->kind == WEFT_EXACT) snprintf(gap, sizeof(gap), "largest certified gap %.2g, ", r->result.max_gap);
  alive = of->outputs;
  for (int g = 0; g < of->responder.groups && !of->shared.settings.prototypes; ++g) alive -= !of->responder.alive[g];
  PetscCall(PetscPrintf(comm,
                        "%lld training and %lld test samples: %d features of layer %d, %s, %.2f %% of the %lld groups "
                        "alive active\n",
                        (long long)info->samples[WEFT_TRAIN], (long long)info->samples[WEFT_TEST], (int)of->outputs,
                        r->layers - 1, kinds[r->kind], 100 * sums[1] / PetscMax(sums[0] * (double)alive, 1),
                        (long long)alive));
  PetscCall(PetscPrintf(comm, "%s%.1f s, %.0f samples/s, %.0f MB per rank at most; written: %s\n", gap, seconds,
                        sums[0] / PetscMax(seconds, 1e-9), (double)bytes / 1e6, output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Responses *r, WeftData data, const char output[])
{
  const double      begin = MPI_Wtime();
  const WeftEncoder encoder = {.name = "features",
                               .description = "pooled responses of the layer's groups; 0 where a group was removed",
                               .column = "group",
                               .cols = r->structure->layers[r->layers - 1].outputs,
                               .precision = r->structure->precision,
                               .ctx = r,
                               .encode = Encode,
                               .describe = Describe};
  PetscBool         stopped;

  PetscFunctionBegin;
  PetscCall(WeftFeaturesWrite(PETSC_COMM_WORLD, output, data, &encoder, &stopped));
  if (stopped) {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "stopped before the end; %s was not written: run again\n", output));
    WeftExitStatus(WEFT_EXIT_STOPPED);
  } else {
    PetscCall(Summarise(r, WeftDataGetInfo(data), output, MPI_Wtime() - begin));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that can be found wrong before samples are read. */
static PetscErrorCode CheckStructure(const char data_path[])
{
  Responses           responses = {0};
  WeftData            data;
  const WeftDataInfo *info;
  WeftRunState        state;
  char                more[PETSC_MAX_PATH_LEN + 64];

  PetscFunctionBegin;
  PetscCall(ReadOptions(&responses));
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", data_path, &data));
  info = WeftDataGetInfo(data);
  PetscCall(WeftRunFileInspect(PETSC_COMM_WORLD, "-structure", responses.path, &state));
  if (state == WEFT_RUN_COMPLETE) {
    PetscCall(OpenResponses(&responses));
    PetscCall(WeftStructureCheckWidth(responses.structure, "-data", data_path, info->features));
    snprintf(more, sizeof(more), ", %d features of layer %d",
             (int)responses.structure->layers[responses.layers - 1].outputs, responses.layers - 1);
  } else {
    WeftUserCheck(responses.layers <= WEFT_MAX_LAYERS, PETSC_COMM_WORLD,
                  "-layer %d: no structure has more than %d layers", responses.layers - 1, WEFT_MAX_LAYERS);
    WeftCheckAwaits(responses.path, state, sizeof(more), more);
  }
  PetscCall(WeftCheckTell(info, more));
  PetscCall(WeftDataClose(&data));
  PetscCall(CloseResponses(&responses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EncodeStructure(const char data_path[], const char output[])
{
  Responses responses = {0};
  WeftData  data;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&responses));
  PetscCall(OpenResponses(&responses));
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", data_path, &data));
  PetscCall(WeftStructureCheckWidth(responses.structure, "-data", data_path, WeftDataGetInfo(data)->features));
  PetscCall(WeftBlasSay(PETSC_COMM_WORLD));
  PetscCall(Write(&responses, data, output));
  PetscCall(WeftDataClose(&data));
  PetscCall(CloseResponses(&responses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EncodeNetwork(const char network[], const char data_path[], const char output[], PetscBool check)
{
  static const char *const others[] = {"-structure", "-layer", "-codes_kind"};
  int                      precision;
  PetscBool                given;

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i) {
    PetscCall(PetscOptionsHasName(NULL, NULL, others[i], &given));
    WeftUserCheck(!given, PETSC_COMM_WORLD, "%s: is for a structure; leave it out, or -network", others[i]);
  }
  PetscCall(WeftOptionsGetChoice(options, "-weft_precision", "single|double", &precision));
  PetscCall((check ? WeftCmdCheckNetwork : WeftCmdEncodeNetwork)(network, data_path, output,
                                                                 precision ? WEFT_DOUBLE : WEFT_SINGLE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunEncode(const char word[])
{
  char      network[PETSC_MAX_PATH_LEN], data_path[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
  PetscBool given, check;

  PetscFunctionBegin;
  (void)word;
  PetscCall(WeftCheckAsked(&check));
  PetscCall(WeftOptionsGetNeeded(options, "-data", sizeof(data_path), data_path));
  PetscCall(WeftOptionsGetNeeded(options, "-o", sizeof(output), output));
  if (!check) PetscCall(WeftLockTake(PETSC_COMM_WORLD, "-o", output));
  PetscCall(WeftOutputCheckNew(PETSC_COMM_WORLD, "-o", output));
  PetscCall(WeftOptionsGetText(options, "-network", sizeof(network), network, &given));
  if (given)
    PetscCall(EncodeNetwork(network, data_path, output, check));
  else
    PetscCall(check ? CheckStructure(data_path) : EncodeStructure(data_path, output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbEncode = {
  "encode",
  NULL,
  "features of a data file from a learned structure, or logits from a trained network",
  "  weft encode -structure run.h5 -data data.h5 -o features.h5 [-layer L] [-codes_kind feedforward|exact]\n"
  "  weft encode -network net.h5 -data data.h5 -o logits.h5\n"
  "  mpirun -n 2 weft encode -structure run.h5 -data data.h5 -o features.h5\n",
  {options, WeftCheckOptions, WeftCoderOptions},
  RunEncode};
