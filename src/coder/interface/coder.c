#include "../coderimpl.h"
#include <petscviewer.h>

static PetscFunctionList coder_list = NULL;
static PetscBool         registered = PETSC_FALSE;
static PetscClassId      WEFTCODER_CLASSID = 0;

const WeftOption WeftCoderOptions[] = {
  {"-weft_coder_type", "bcd|fista|admm", "bcd", "solver of the code step"},
  {"-weft_coder_rtol", "R", "1e-3", "relative duality gap that every sample's code must reach"},
  {"-weft_coder_max_rounds", "N", "8", "how often a sample that misses its gap is solved again with a tighter target"},
  {"-weft_coder_max_iterations", "N", "20000",
   "iterations within a round: on a batch, or for bcd sweeps over a working set"},
  {"-weft_coder_view", NULL, NULL, "print the coder before it is used"},
  {"-weft_coder_monitor", NULL, NULL, "print, for each block of samples and round, how many miss the gap"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftCoderRegister(const char name[], PetscErrorCode (*create)(WeftCoder))
{
  PetscFunctionBegin;
  PetscCall(PetscFunctionListAdd(&coder_list, name, create));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FinalizePackage(void)
{
  PetscFunctionBegin;
  PetscCall(PetscFunctionListDestroy(&coder_list));
  registered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InitializePackage(void)
{
  PetscFunctionBegin;
  if (registered) PetscFunctionReturn(PETSC_SUCCESS);
  registered = PETSC_TRUE;
  PetscCall(PetscClassIdRegister("Weft Coder", &WEFTCODER_CLASSID));
  PetscCall(WeftCoderRegisterAll());
  PetscCall(PetscRegisterFinalize(FinalizePackage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderCreate(WeftCoder *coder)
{
  WeftCoder c;

  PetscFunctionBegin;
  PetscCall(InitializePackage());
  PetscCall(PetscHeaderCreate(c, WEFTCODER_CLASSID, "WeftCoder", "Coder", "WeftCoder", PETSC_COMM_SELF,
                              WeftCoderDestroy, WeftCoderView));
  c->rtol = 1e-3;
  c->max_rounds = 8;
  c->max_iterations = 20000;
  *coder = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The caller's Gram matrix instead of what there is; NULL: none of the caller's. */
static PetscErrorCode DropGram(WeftCoder coder, const WeftBlock *instead)
{
  PetscFunctionBegin;
  if (!coder->gram_given && instead) PetscCall(WeftBlockDestroy(&coder->gram));
  if (coder->gram_given || instead) coder->gram = instead ? *instead : (WeftBlock){0};
  coder->gram_given = instead ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderDestroy(WeftCoder *coder)
{
  PetscFunctionBegin;
  if (!*coder) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*coder)->ops->destroy) PetscCall((*(*coder)->ops->destroy)(*coder));
  PetscCall(DropGram(*coder, NULL));
  PetscCall(WeftBlockDestroy(&(*coder)->gram));
  PetscCall(PetscFree2((*coder)->ridge, (*coder)->norms));
  PetscCall(PetscFree2((*coder)->objective, (*coder)->gap));
  PetscCall(PetscHeaderDestroy(coder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetType(WeftCoder coder, WeftCoderType type)
{
  PetscErrorCode (*create)(WeftCoder);

  PetscFunctionBegin;
  PetscCall(PetscFunctionListFind(coder_list, type, &create));
  WeftUserCheck(create, PETSC_COMM_WORLD, "-weft_coder_type %s: no such coder (bcd, fista, admm)", type);
  if (coder->ops->destroy) PetscCall((*coder->ops->destroy)(coder));
  PetscCall(PetscMemzero(coder->ops, sizeof(*coder->ops)));
  coder->data = NULL;
  coder->setup_called = PETSC_FALSE;
  PetscCall(PetscObjectChangeTypeName((PetscObject)coder, type));
  PetscCall((*create)(coder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderGetType(WeftCoder coder, WeftCoderType *type)
{
  PetscFunctionBegin;
  *type = ((PetscObject)coder)->type_name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetOptionsPrefix(WeftCoder coder, const char prefix[])
{
  PetscFunctionBegin;
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)coder, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetTolerances(WeftCoder coder, double rtol, int max_rounds)
{
  PetscFunctionBegin;
  PetscCheck(rtol > 0 && max_rounds > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "rtol %g or rounds %d", rtol,
             max_rounds);
  coder->rtol = rtol;
  coder->max_rounds = max_rounds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetMaxIterations(WeftCoder coder, int max_iterations)
{
  PetscFunctionBegin;
  coder->max_iterations = max_iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetMonotone(WeftCoder coder, PetscBool monotone)
{
  PetscFunctionBegin;
  coder->monotone = monotone;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderMonitorSet(WeftCoder coder, WeftCoderMonitor monitor, void *ctx)
{
  PetscFunctionBegin;
  coder->monitor = monitor;
  coder->monitor_ctx = ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintRound(WeftCoder coder, int round, size_t samples, size_t left, double target, void *ctx)
{
  int rank;

  PetscFunctionBegin;
  (void)ctx;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank)
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %s round %d: %zu samples to gap %.2g, %zu miss %.2g\n",
                          ((PetscObject)coder)->type_name, round, samples, target, left, coder->rtol));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOptions(WeftCoder coder)
{
  char       type[64];
  PetscInt64 rounds, iterations;
  PetscBool  monitor;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(WeftCoderOptions, "-weft_coder_type", sizeof(type), type, NULL));
  PetscCall(WeftCoderSetType(coder, type));
  PetscCall(WeftOptionsGetReal(WeftCoderOptions, "-weft_coder_rtol", 1e-12, 1.0, &coder->rtol));
  PetscCall(WeftOptionsGetInt(WeftCoderOptions, "-weft_coder_max_rounds", 1, 1000, &rounds));
  coder->max_rounds = (int)rounds;
  PetscCall(WeftOptionsGetInt(WeftCoderOptions, "-weft_coder_max_iterations", 1, 1000000000, &iterations));
  coder->max_iterations = (int)iterations;
  PetscCall(WeftOptionsGetFlag(WeftCoderOptions, "-weft_coder_view", &coder->view));
  PetscCall(WeftOptionsGetFlag(WeftCoderOptions, "-weft_coder_monitor", &monitor));
  if (monitor) PetscCall(WeftCoderMonitorSet(coder, PrintRound, NULL));
  if (coder->ops->setfromoptions) PetscCall((*coder->ops->setfromoptions)(coder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetFromOptions(WeftCoder coder)
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  WeftOptionsPrefix(((PetscObject)coder)->prefix);
  ierr = ReadOptions(coder);
  WeftOptionsPrefix(NULL);
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetDictionary(WeftCoder coder, const WeftBlock *atoms, int group_size)
{
  const size_t groups = atoms->rows / (size_t)PetscMax(group_size, 1);

  PetscFunctionBegin;
  PetscCheck(group_size > 0 && groups * (size_t)group_size == atoms->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu atoms do not make groups of %d", atoms->rows, group_size);
  if (!coder->ridge || (int)groups != coder->groups) {
    PetscCall(PetscFree2(coder->ridge, coder->norms));
    PetscCall(PetscCalloc2(groups, &coder->ridge, groups, &coder->norms));
    coder->any_ridge = PETSC_FALSE;
  }
  coder->atoms = *atoms;
  coder->k = atoms->rows;
  coder->d = atoms->cols;
  coder->group_size = group_size;
  coder->groups = (int)groups;
  coder->threshold = coder->lambda * PetscSqrtReal((double)group_size);
  coder->setup_called = PETSC_FALSE;
  PetscCall(DropGram(coder, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetGram(WeftCoder coder, const WeftBlock *gram)
{
  PetscFunctionBegin;
  PetscCheck(gram->rows == coder->k && gram->cols == coder->k && gram->precision == coder->atoms.precision,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a Gram matrix of another size or precision than the atoms'");
  PetscCall(DropGram(coder, gram));
  coder->setup_called = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetPenalty(WeftCoder coder, double lambda, const double ridge[])
{
  PetscFunctionBegin;
  PetscCheck(lambda >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "lambda %g is negative or not a number", lambda);
  PetscCheck(coder->ridge, PETSC_COMM_SELF, PETSC_ERR_ORDER, "give the dictionary before the penalty");
  coder->lambda = lambda;
  coder->threshold = lambda * PetscSqrtReal((double)coder->group_size);
  coder->any_ridge = PETSC_FALSE;
  for (int g = 0; g < coder->groups; ++g) {
    coder->ridge[g] = ridge ? ridge[g] : 0.0;
    PetscCheck(coder->ridge[g] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "ridge of group %d is %g", g,
               coder->ridge[g]);
    if (coder->ridge[g] > 0) coder->any_ridge = PETSC_TRUE;
  }
  coder->setup_called = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeGram(WeftCoder coder)
{
  PetscFunctionBegin;
  if (coder->gram.rows != coder->k || coder->gram.precision != coder->atoms.precision) {
    PetscCall(WeftBlockDestroy(&coder->gram));
    PetscCall(WeftBlockCreate(coder->k, coder->k, coder->atoms.precision, &coder->gram));
  }
  PetscCall(WeftBlockGram(&coder->atoms, coder->group_size, 0, coder->k, &coder->gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderSetUp(WeftCoder coder)
{
  PetscFunctionBegin;
  if (coder->setup_called) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(coder->atoms.values.v, PETSC_COMM_SELF, PETSC_ERR_ORDER, "the coder has no dictionary");
  if (!((PetscObject)coder)->type_name) PetscCall(WeftCoderSetType(coder, WEFTCODERBCD));
  if (!coder->gram_given) PetscCall(MakeGram(coder));
  if (coder->ops->setup) PetscCall((*coder->ops->setup)(coder));
  if (coder->view) PetscCall(WeftCoderView(coder, PETSC_VIEWER_STDOUT_SELF));
  coder->view = PETSC_FALSE; /* once */
  coder->setup_called = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderGetSamples(WeftCoder coder, const double *objective[], const double *gap[])
{
  PetscFunctionBegin;
  if (objective) *objective = coder->objective;
  if (gap) *gap = coder->gap;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderView(WeftCoder coder, PetscViewer viewer)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS); /* all ranks' coders are alike */
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "WeftCoder: type %s, relative gap %g, %zu atoms in groups of %d, lambda %g\n",
                                   ((PetscObject)coder)->type_name ? ((PetscObject)coder)->type_name : "not set",
                                   coder->rtol, coder->k, coder->group_size, coder->lambda));
  if (coder->ops->view) PetscCall((*coder->ops->view)(coder, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *WeftCoderReasonName(WeftCoderConvergedReason reason)
{
  switch (reason) {
  case WEFT_CODER_CONVERGED_GAP:
    return "CONVERGED_GAP";
  case WEFT_CODER_CONVERGED_KKT:
    return "CONVERGED_KKT";
  case WEFT_CODER_DIVERGED_ITS:
    return "DIVERGED_ITS";
  case WEFT_CODER_DIVERGED_NAN:
    return "DIVERGED_NAN";
  default:
    return "ITERATING";
  }
}
