/* The network of a learned structure, and those it is compared with: the same classes, readout and training, but other
   connections. Nothing here is collective beyond that all ranks get the same network. */
#pragma once
#include <weft/train.h>

/* In the order of -structure_kind's words:
     learned                 its connections, weights from its atoms;
     learned-random-weights  its connections, random weights;
     random-mask             as many connections for each group, drawn at random;
     dense                   its groups, each connected to every input;
     mlp                     as many rectified units as it has living atoms, layer after layer; no groups, no pools.
   What shares weights in the structure does so in the first two kinds alone. */
typedef enum {
  WEFT_KIND_LEARNED,
  WEFT_KIND_LEARNED_RANDOM_WEIGHTS,
  WEFT_KIND_RANDOM_MASK,
  WEFT_KIND_DENSE,
  WEFT_KIND_MLP
} WeftKind;

/* What a dense network or MLP has in common with the learned one: its width, or about its number of parameters. To
   match parameters the groups (units) of every layer are scaled by one factor, the largest with which there are no more
   parameters in all than the learned network has. */
typedef enum { WEFT_MATCH_WIDTH, WEFT_MATCH_PARAMETERS } WeftMatch;

typedef struct {
  WeftKind  kind;
  WeftMatch match;
} WeftKindSettings;

extern const WeftOption WeftKindOptions[];
/* Not collective beyond that all ranks hold the same options. */
extern PetscErrorCode WeftKindSettingsFromOptions(WeftKindSettings *settings);

/* WeftKindBuild - a network of that kind, with its first weights, keyed by the seed; the caller's to destroy. Errors: a
   structure that has more parameters than a network of one unit a layer cannot be matched, which is a user's mistake.
 */
extern PetscErrorCode WeftKindBuild(const WeftKindSettings *kind, const WeftTrainSettings *settings, int nlayers,
                                    const WeftTrainSource source[], size_t inputs, size_t classes,
                                    WeftNetwork *network);
