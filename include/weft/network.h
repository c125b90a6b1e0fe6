/* A network: what its units connect to, and the numbers that training finds. Plain data, held whole by every rank (it
   does not grow with the samples). Nothing here is collective unless it says so.

   A sample x of d inputs goes through masked layers l = 0, 1, ..., then through dense ones:

     h_ga  = Σ_c  W[row(c)][a] u[input(c)]        over the connections c of group g, for its atoms a < p
     y_q   = max(0, sqrt(Σ h_ga² + ε_pool) − t)   over the atoms of the groups of pool q: a pooled unit
     v_q   = norm(y_q)                            which is what the next layer has as its input u; the first has x
     s_ga  = max(0, norm(h_ga))                   a single unit, of the layers that are read so
     f     = the v of all layers read, in turn, then the s; x itself where there are no masked layers
     r_0   = max(0, norm(H_0 f)),  r_i = max(0, norm(H_i r_{i-1}))       hidden layers
     logit = O r + b                              classes; the largest is the answer
     norm(z) = scale (z − mean) / sqrt(variance + ε_norm) + shift        by channel: of the batch in training, the
                                                                         running ones kept here afterwards

   Which parameter a connection uses and which channel a unit is normalised by are index arrays, so that sharing
   weights between units is another set of arrays and no other program. */
#pragma once
#include <weft/block.h>

enum { WEFT_NETWORK_MAX_LAYERS = 16, WEFT_NETWORK_MAX_HIDDEN = 8, WEFT_NETWORK_MAX_PARTS = 128 };

/* Units that are normalised, and by which of the channels. Offsets count numbers in the network's flat arrays. */
typedef struct {
  size_t units, channels;
  int   *channel;        /* [units]; NULL: unit i has channel i */
  size_t scale, shift;   /* in parameters */
  size_t mean, variance; /* in statistics */
} WeftNetworkNorm;

/* A masked layer. Group g has the connections start[g] .. start[g + 1]. */
typedef struct {
  size_t    inputs, groups, group_size, pools;
  size_t    rows;           /* of weights: one for each connection, or fewer where they are tied */
  size_t   *start;          /* [groups + 1] */
  int      *input;          /* [start[groups]]: which input; ascending within a group */
  int      *row;            /* [start[groups]]: which row of weights; NULL: connection c has row c */
  size_t   *pool_start;     /* [pools + 1]; NULL: pool q is group q alone */
  int      *pool_group;     /* [pool_start[pools]]: the groups of each pool; no group in two pools */
  double    threshold;      /* t */
  int      *pooled_channel; /* [pools] or NULL, as in WeftNetworkNorm; counted by pooled_channels (0: pools) */
  int      *single_channel; /* [groups * p] or NULL, the same */
  size_t    pooled_channels, single_channels;
  PetscBool read_pooled, read_single; /* by the dense layers */
  /* set by WeftNetworkCreate() */
  size_t          weights; /* offset in parameters: [rows, p] */
  WeftNetworkNorm pooled, single;
  size_t          pooled_at, single_at; /* their first rows among the network's features */
} WeftNetworkLayer;

typedef struct {
  size_t          in, out;
  size_t          weights; /* offset in parameters: [out, in] */
  size_t          bias;    /* [out], of the last layer */
  WeftNetworkNorm norm;    /* of a hidden layer */
} WeftNetworkDense;

/* A named piece of the flat arrays. */
typedef struct {
  char      name[64];   /* its path below /weights in a file */
  size_t    rows, cols; /* cols 0: one-dimensional */
  size_t    first;      /* offset */
  PetscBool statistic;  /* in statistics, else in parameters */
  PetscBool decays;     /* does weight decay act on it? */
} WeftNetworkPart;

typedef struct {
  /* the caller's, before WeftNetworkCreate(), which takes over the layers' arrays (all by PetscMalloc1()) */
  WeftPrecision    precision;
  size_t           inputs, classes;
  int              nlayers, nhidden;
  WeftNetworkLayer layer[WEFT_NETWORK_MAX_LAYERS];
  WeftNetworkDense hidden[WEFT_NETWORK_MAX_HIDDEN]; /* out alone */
  double           pool_epsilon, norm_epsilon;
  PetscBool        whitened; /* x is whitened; else contrast-normalised and centred */
  /* set by WeftNetworkCreate() */
  WeftNetworkDense output;
  size_t           features, read_first; /* rows of all v and s; the dense layers read from read_first on */
  int              nparts;
  WeftNetworkPart  part[WEFT_NETWORK_MAX_PARTS];
  WeftBlock        parameters, statistics; /* one row each */
} WeftNetwork;

/* WeftNetworkPlan - what WeftNetworkCreate() does but for memory: the parts, and where they lie. Not collective. */
extern PetscErrorCode WeftNetworkPlan(WeftNetwork *network);
/* WeftNetworkCreate - checks the arrays, lays out the parameters and makes them zero, but for norms, which are 1. An
   index out of range is an error of the caller's. */
extern PetscErrorCode WeftNetworkCreate(WeftNetwork *network);
extern PetscErrorCode WeftNetworkDestroy(WeftNetwork *network);
/* WeftNetworkView - a block [rows, cols] of the parameters from an offset on, which owns nothing. */
extern WeftBlock WeftNetworkView(const WeftNetwork *network, size_t first, size_t rows, size_t cols);
/* Numbers that training finds: all parameters; and connections of layer l. */
extern size_t WeftNetworkConnections(const WeftNetworkLayer *layer);
/* Features that the dense layers read. */
extern size_t WeftNetworkRead(const WeftNetwork *network);
