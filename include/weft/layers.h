/* Several layers: what the groups of one answer is what the next one learns from. The functions are collective over the
   stack's communicator unless said otherwise. */
#pragma once
#include <weft/information.h>
#include <weft/prep.h>
#include <weft/share.h>
#include <weft/stack.h>

typedef struct {
  int               most;                   /* layers to learn, at most */
  double            min_gain;               /* δ of the rule of depth */
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

/* The rule of depth. bits(y_1 .. y_L): the decoder bits (information.h) of the responses of layers 1 to
   L side by side about x, the preprocessed input of the first. The first layer is kept. Layer L > 1 is kept if

       bits(y_1 .. y_L) - bits(y_1 .. y_(L-1)) >= δ max(bits(y_1 .. y_(L-1)), 1),

   which is bits(y_1 .. y_L) >= (1 + δ) bits(y_1 .. y_(L-1)) but for responses that tell less than one bit, of which a
   fraction would be noise; and then the next one is learned, while there may be more. One that is not kept is the last
   that is tried: it is no part of the stack, but its bits are told. A δ below 0 forces depth. */
typedef struct {
  WeftInformationResult information; /* of this layer and those before it */
  double                gain;        /* the left side over the max; 0 for the first layer */
  PetscBool             kept;
} WeftDepth;

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
  PetscBool         done;    /* no further layer will be learned: there are as many as there may be, the
                                last one was not kept, or its groups answer all samples alike */
  WeftStackLayer  layers[WEFT_MAX_LAYERS];
  WeftBlock       x;                          /* [rows, d] input of layer 0; kept to the end */
  WeftBlock       responses[WEFT_MAX_LAYERS]; /* [rows, G] of each learned layer, where a next one may need them */
  WeftBlock       input;                      /* of the layer being learned, but for layer 0 */
  int             measured; /* layers whose bits are known: those learned, and one that was not kept */
  WeftDepth       depth[WEFT_MAX_LAYERS];
  WeftStackLayer  dropped;     /* the one that was not kept; NULL: there is none */
  WeftInformation information; /* NULL until it is needed */
  WeftLattice     lattice;     /* of the next layer's input, where that is to be shared */
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
/* WeftStackKeep - the layer that was begun is learned: it keeps what WeftLayerRelease() leaves it, and responds. */
extern PetscErrorCode WeftStackKeep(WeftStack stack);
