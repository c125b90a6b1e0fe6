/* Several layers: what the groups of one answer is what the next one learns from. The functions are collective over the
   stack's communicator unless said otherwise. */
#pragma once
#include <weft/prep.h>
#include <weft/share.h>
#include <weft/stack.h>

typedef struct {
  int               most;                   /* layers to learn, at most */
  WeftLayerSettings layer[WEFT_MAX_LAYERS]; /* of each; all of one precision */
  WeftShareSettings share[WEFT_MAX_LAYERS]; /* of each; a shared layer's input is the data or a shared layer's output */
} WeftStackSettings;

extern const WeftOption WeftStackOptions[];
/* Reads the settings of all layers; an option with the prefix layerN_ is for layer N alone, the first being 0. seed: of
   every layer. A mistake in any of them is found here. Not collective beyond that all ranks hold the same options. */
extern PetscErrorCode WeftStackSettingsFromOptions(uint64_t seed, WeftStackSettings *settings);

/* A layer and the preprocessing of its input. */
typedef struct {
  WeftPrep   prep;
  WeftLayer  layer;
  WeftShared shared; /* once learned; no prototypes: the layer is not shared */
} WeftStackLayer;

typedef struct _n_WeftStack *WeftStack;

/* What was learned so far, and what it is learned from. Each rank has its samples; the layers say what they share. Read
   its fields, change none.

   The input of layer 0 is x, preprocessed. The input of layer l + 1 are the feed-forward responses of layer l
   (response.h) to all samples, preprocessed by its own contrast normalisation and whitening; a group that was removed
   is an input that is always zero. Of a shared layer it is what the copies of its prototypes answer (share.h). */
struct _n_WeftStack {
  MPI_Comm          comm;
  WeftStackSettings settings;
  PetscInt64        n, row0;
  int               count;   /* layers that there are */
  int               learned; /* of them; one more is being learned, or none */
  PetscBool         done;    /* no further layer will be learned */
  WeftStackLayer    layers[WEFT_MAX_LAYERS];
  WeftBlock         x;                          /* [rows, d] input of layer 0; kept to the end */
  WeftBlock         responses[WEFT_MAX_LAYERS]; /* [rows, G] of each learned layer, where a next one may need them */
  WeftBlock         input;                      /* of the layer being learned, but for layer 0 */
  WeftLattice       lattice;                    /* of the next layer's input, where that is to be shared */
};

/* WeftStackCreate - for samples of which x holds this rank's rows [row0, row0 + x->rows) of n, as they are in the data;
   they become the stack's, and x is emptied. */
extern PetscErrorCode WeftStackCreate(MPI_Comm comm, const WeftStackSettings *settings, PetscInt64 n, PetscInt64 row0,
                                      WeftBlock *x, WeftStack *stack);
extern PetscErrorCode WeftStackDestroy(WeftStack *stack);

/* WeftStackNext - learns one more layer, or goes on with the one that was begun, to its end. *stopped: a signal ended
   it early; else stack->done tells whether it was the last. */
extern PetscErrorCode WeftStackNext(WeftStack stack, const WeftLayerHooks *hooks, PetscBool *stopped);

/* The steps of WeftStackNext(), for those who restore a stack from a file. */
/* WeftStackMakePrep - the preprocessing of the next layer's input, with its options, nothing learned. */
extern PetscErrorCode WeftStackMakePrep(WeftStack stack, WeftPrep *prep);
/* WeftStackBegin - makes the next layer and its input. prep: as learned, and the stack's from here on; NULL: it is
   learned from that input. */
extern PetscErrorCode WeftStackBegin(WeftStack stack, WeftPrep prep);
/* WeftStackKeep - the layer that was begun is learned: it keeps what WeftLayerRelease() leaves it. */
extern PetscErrorCode WeftStackKeep(WeftStack stack);
