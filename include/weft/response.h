/* What a layer answers to its input: one number per sample and group, the pooled response y_ig = ‖z_ig‖₂ of the code
   (a complex cell of its p atoms). It is the next layer's input, and what a network or a readout is given. */
#pragma once
#include <weft/coder.h>
#include <weft/stack.h>

/* Where the codes come from. Feed-forward: one group soft-threshold of the correlations, from which
   y_ig = max(0, ‖D_gᵀ x_i‖ − λ√p).  Exact: the code itself, certified as in coder.h. */
typedef enum { WEFT_FEEDFORWARD, WEFT_EXACT } WeftCodesKind;

/* What responses need of a layer; alike on every rank. Read its fields, change none. */
typedef struct {
  int            group_size, groups; /* p, G */
  double         lambda;
  WeftBlock      atoms; /* [k, d] in whitened input coordinates; the caller's */
  unsigned char *alive; /* [G]: 0 for a group that was removed: its response is 0 */
  double        *ridge; /* [G] r_g of coder.h, for exact codes; NULL: none */
  WeftCoder      coder; /* NULL until it is needed */
} WeftResponder;

/* None of these is collective. */

/* WeftResponderCreate - from the k atoms in the rows of a block [k, d], in groups of p, which is used, not copied, and
   must stay. alive [G] and ridge [G] are copied; NULL: all alive, no ridge. lambda >= 0. */
extern PetscErrorCode WeftResponderCreate(const WeftBlock *atoms, int group_size, double lambda,
                                          const unsigned char alive[], const double ridge[], WeftResponder *responder);
/* WeftResponderFromLayer - of a layer as it stands, before or after it is learned: its atoms, alive groups, λ and μ.
   Valid until the layer changes or is destroyed. */
extern PetscErrorCode WeftResponderFromLayer(const WeftLayer layer, WeftResponder *responder);
extern PetscErrorCode WeftResponderDestroy(WeftResponder *responder);

/* WeftResponderGetCoder - the coder of the exact codes, for options and tolerances; the responder's. It holds the Gram
   matrix of the atoms from the first exact response on. */
extern PetscErrorCode WeftResponderGetCoder(WeftResponder *responder, WeftCoder *coder);

/* WeftRespond - the responses y [n, G], which the caller has created, to preprocessed samples x [n, d], 0 rows allowed;
   atoms, x and y of one precision. So all samples of a rank may be given at once: beside x and y it holds 256 k
   numbers, for exact codes the coder's work space and the codes of 1024 samples. 2 d k flops a sample. result: what the
   exact codes reached, with the sums over all samples; zero but for the samples where feed-forward. May be NULL; not
   converging is a reason in it, not an error. The answer for a sample does not depend on the others
   beyond round-off; rows are taken in pieces of 256 (exact: 1024), and a piece of the same samples gives the same bits.
 */
extern PetscErrorCode WeftRespond(WeftResponder *responder, WeftCodesKind kind, const WeftBlock *x, WeftBlock *y,
                                  WeftCoderResult *result);
