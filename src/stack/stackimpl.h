/* What the files of src/stack share. All collective over the layer's communicator. */
#pragma once
#include <weft/layers.h>

/* The samples of batch t with the codes they had last; a full batch is the layer's own block, uncopied. */
typedef struct {
  WeftBlock     x;
  PetscBool     own;
  size_t        count;
  const size_t *index; /* rows in the layer's samples; borrowed from its batches */
  WeftCodes     warm;
} WeftBatch;
extern PetscErrorCode WeftBatchLoad(WeftLayer layer, PetscInt64 t, WeftBatch *batch);
extern PetscErrorCode WeftBatchDestroy(WeftBatch *batch);

/* The Gram matrix of the layer's atoms, each rank making its share of the rows. */
extern PetscErrorCode WeftLayerGram(WeftLayer layer);

/* Weights: the first absolute values, from batch 0 and the initial atoms. */
extern PetscErrorCode WeftWeightsStart(WeftLayer layer);
/* r_g = μ√p/η_g into ridge [G]. */
extern void WeftWeightsRidge(const WeftLayer layer, double ridge[]);
/* η from the running A; not collective. */
extern PetscErrorCode WeftWeightsUpdateEta(WeftLayer layer);
/* γ_g from γ_rel (ramped) and the running B, while weights are relative. *relative: the γ_rel used. */
extern PetscErrorCode WeftWeightsUpdateGamma(WeftLayer layer, double *relative);
/* Feedback on λ and γ_rel after a batch with these measured values, before the freeze. */
extern void WeftWeightsFollow(WeftLayer layer, double activity, double density);

/* Root mean square of each group's code in the statistics A: ‖Z_g‖_F/√n. Not collective. */
extern PetscErrorCode WeftGroupSizes(const WeftLayer layer, Mat A, double sizes[]);
/* Gives dead groups new atoms (early) or removes them (late); how many of each. */
extern PetscErrorCode WeftGroupsTend(WeftLayer layer, const double batch_usage[], PetscInt *reseeded,
                                     PetscInt *removed);
/* A start that cannot be made with these settings is a user's mistake. Not collective. */
extern PetscErrorCode WeftLayerCheckStart(const WeftLayerSettings *settings);
/* Initial atoms: those given, else by settings.start. */
extern PetscErrorCode WeftGroupsStart(WeftLayer layer);
/* Those of every start but exemplars. */
extern PetscErrorCode WeftStartAtoms(WeftLayer layer);

/* The lattice of the data, where layer 0 is to be shared; data without one are a user's mistake then. Before x is
   preprocessed. */
extern PetscErrorCode WeftStackLattice(WeftStack stack);
/* The prototypes of learned layer i, unless it has some, what their copies answer to its input, and where these answers
   lie. *done: false where no group of a layer above the first lies within a window; from there on nothing is shared. */
extern PetscErrorCode WeftStackShare(WeftStack stack, int i, const WeftBlock *input, PetscBool *done);

/* The layer learned last is measured, and kept or dropped; is it the last? */
extern PetscErrorCode WeftStackJudge(WeftStack stack);
