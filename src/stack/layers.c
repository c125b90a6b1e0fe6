/* Learning several layers, one after the other. */
#include "stackimpl.h"
#include <weft/layers.h>
#include <weft/response.h>

const WeftOption WeftStackOptions[] = {
  {"-weft_layers", "L", "4", "layers to learn, at most"},
  {"-weft_depth_min_gain", "D", "0.05", "a further layer must add this fraction to the decoder bits; below 0: keep it"},
  {NULL, NULL, NULL, NULL}};

/* An option for a layer that there will not be is a mistake. */
static PetscErrorCode CheckLayers(int most)
{
  PetscBool any;

  PetscFunctionBegin;
  for (int i = most; i < WEFT_MAX_LAYERS; ++i) {
    PetscCall(WeftOptionsOfLayer(i, &any));
    WeftUserCheck(!any, PETSC_COMM_WORLD, "-layer%d_...: there is no layer %d; give -weft_layers %d", i, i, i + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LayerSettings(int i, WeftLayerSettings *settings, WeftShareSettings *share)
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  WeftOptionsLayer(i);
  ierr = WeftLayerSettingsFromOptions(settings);
  if (!ierr) ierr = WeftShareSettingsFromOptions(share);
  WeftOptionsLayer(-1);
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackSettingsFromOptions(uint64_t seed, WeftStackSettings *s)
{
  PetscInt64 layers;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetInt(WeftStackOptions, "-weft_layers", 1, WEFT_MAX_LAYERS, &layers));
  PetscCall(WeftOptionsGetReal(WeftStackOptions, "-weft_depth_min_gain", -1e6, 1e6, &s->min_gain));
  s->most = (int)layers;
  PetscCall(CheckLayers(s->most));
  for (int i = 0; i < s->most; ++i) {
    PetscCall(LayerSettings(i, &s->layer[i], &s->share[i]));
    s->layer[i].seed = seed;
    WeftUserCheck(s->layer[i].precision == s->layer[0].precision, PETSC_COMM_WORLD,
                  "-layer%d_weft_precision: all layers have one precision; give -weft_precision", i);
    WeftUserCheck(!i || !s->share[i].prototypes || s->share[i - 1].prototypes, PETSC_COMM_WORLD,
                  "-layer%d_weft_share %d: layer %d is not shared, so that the inputs of layer %d lie on no lattice", i,
                  s->share[i].prototypes, i - 1, i);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackCreate(MPI_Comm comm, const WeftStackSettings *settings, PetscInt64 n, PetscInt64 row0,
                               WeftBlock *x, WeftStack *stack)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(stack));
  (*stack)->comm = comm;
  (*stack)->settings = *settings;
  (*stack)->n = n;
  (*stack)->row0 = row0;
  (*stack)->x = *x;
  *x = (WeftBlock){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackDestroy(WeftStack *stack)
{
  WeftStack s = *stack;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < s->count; ++i) {
    PetscCall(WeftLayerDestroy(&s->layers[i].layer));
    PetscCall(WeftPrepDestroy(&s->layers[i].prep));
    PetscCall(WeftBlockDestroy(&s->responses[i]));
    PetscCall(WeftSharedDestroy(&s->layers[i].shared));
  }
  PetscCall(WeftLayerDestroy(&s->dropped.layer));
  PetscCall(WeftPrepDestroy(&s->dropped.prep));
  PetscCall(WeftSharedDestroy(&s->dropped.shared));
  PetscCall(WeftInformationDestroy(&s->information));
  PetscCall(WeftBlockDestroy(&s->x));
  PetscCall(WeftBlockDestroy(&s->input));
  PetscCall(WeftLatticeDestroy(&s->lattice));
  PetscCall(PetscFree(*stack));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a layer ---- */

/* Features of the next layer's input. */
static PetscInt NextFeatures(const WeftStack s)
{
  return (PetscInt)(s->count ? s->responses[s->count - 1].cols : s->x.cols);
}

/* Groups that were removed answer nothing. */
static PetscErrorCode LeaveOutDead(const WeftStack s, WeftPrep prep)
{
  unsigned char *alive;

  PetscFunctionBegin;
  if (!s->count || s->layers[s->count - 1].shared.settings.prototypes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftDictGetAlive(s->layers[s->count - 1].layer->dict, &alive));
  PetscCall(WeftPrepSetUsed(prep, alive));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackMakePrep(WeftStack s, WeftPrep *prep)
{
  PetscFunctionBegin;
  PetscCall(WeftPrepCreate(s->comm, NextFeatures(s), prep));
  WeftOptionsLayer(s->count);
  PetscCall(WeftPrepSetFromOptions(*prep));
  WeftOptionsLayer(-1);
  PetscCall(LeaveOutDead(s, *prep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CopyBlock(const WeftBlock *from, WeftBlock *to)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(from->rows, from->cols, from->precision, to));
  PetscCall(PetscMemcpy(to->values.v, from->values.v, from->rows * from->cols * WeftPrecisionBytes(from->precision)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLayer(WeftStack s, const WeftBlock *input)
{
  const int i = s->count;
  WeftLayer l;

  PetscFunctionBegin;
  PetscCall(WeftLayerCreate(s->comm, &s->settings.layer[i], s->n, s->row0, input, &l));
  PetscCall(WeftLayerSetPrep(l, s->layers[i].prep));
  s->layers[i].layer = l;
  WeftOptionsLayer(i);
  PetscCall(WeftCoderSetFromOptions(l->coder));
  PetscCall(WeftDictSetFromOptions(l->dict));
  WeftOptionsLayer(-1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackBegin(WeftStack s, WeftPrep prep)
{
  const PetscBool learn = prep ? PETSC_FALSE : PETSC_TRUE;
  WeftBlock      *input = s->count ? &s->input : &s->x;

  PetscFunctionBegin;
  PetscCheck(s->count == s->learned && s->count < s->settings.most, s->comm, PETSC_ERR_ARG_WRONGSTATE,
             "a layer is being learned, or all are");
  if (!s->count) PetscCall(WeftStackLattice(s));
  if (s->count) PetscCall(CopyBlock(&s->responses[s->count - 1], input));
  if (learn) PetscCall(WeftStackMakePrep(s, &prep));
  PetscCall(learn ? WeftPrepFit(prep, input) : WeftPrepApply(prep, input));
  s->layers[s->count].prep = prep;
  PetscCall(MakeLayer(s, input));
  ++s->count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Respond(const WeftStack s, int i)
{
  const WeftLayer  l = s->layers[i].layer;
  const WeftBlock *input = i ? &s->input : &s->x;
  PetscBool        shared = PETSC_FALSE;
  WeftResponder    responder;

  PetscFunctionBegin;
  if (s->settings.share[i].prototypes) PetscCall(WeftStackShare(s, i, input, &shared));
  if (shared) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftResponderFromLayer(l, &responder));
  PetscCall(WeftBlockCreate(input->rows, (size_t)responder.groups, input->precision, &s->responses[i]));
  PetscCall(WeftRespond(&responder, WEFT_FEEDFORWARD, input, &s->responses[i], NULL));
  PetscCall(WeftResponderDestroy(&responder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackKeep(WeftStack s)
{
  const int i = s->learned;

  PetscFunctionBegin;
  PetscCheck(s->count == i + 1, s->comm, PETSC_ERR_ARG_WRONGSTATE, "no layer was begun");
  PetscCall(WeftLayerRelease(s->layers[i].layer));
  PetscCall(Respond(s, i));
  PetscCall(WeftBlockDestroy(&s->input));
  ++s->learned;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackNext(WeftStack s, const WeftLayerHooks *hooks, PetscBool *stopped)
{
  WeftLayerHooks named = *hooks;

  PetscFunctionBegin;
  if (s->count == s->learned) PetscCall(WeftStackBegin(s, NULL));
  named.index = s->learned;
  PetscCall(WeftLayerLearn(s->layers[s->learned].layer, &named, stopped));
  if (*stopped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftStackKeep(s));
  PetscCall(WeftStackJudge(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
