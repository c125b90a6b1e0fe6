/* What a pass holds: see the formulas of network.h for the letters. */
#pragma once
#include "trainimpl.h"

struct _n_WeftPass {
  MPI_Comm     comm;
  WeftNetwork *net;
  size_t       capacity, count, ld; /* samples: room, held, held and filled up */
  double       n;                   /* samples of the batch over all ranks, in training */
  void        *memory;
  size_t       used;
  WeftBlock    x, features, dfeatures, read, logits;
  WeftBlock    h[WEFT_NETWORK_MAX_LAYERS], y[WEFT_NETWORK_MAX_LAYERS];
  WeftBlock    a[WEFT_NETWORK_MAX_HIDDEN], r[WEFT_NETWORK_MAX_HIDDEN], dr[WEFT_NETWORK_MAX_HIDDEN];
  WeftMoments *moments; /* [statistics / 2]: a norm's stand at its mean's offset / 2 */
  double      *sums;    /* [statistics + 1] room for the sums of a layer */
  double      *variance;
  uint32_t    *keys; /* [capacity] */
};

/* Rows [first, first + rows) of a block of the pass. */
extern WeftBlock    WeftPassRows(const WeftBlock *block, size_t first, size_t rows);
extern WeftMoments *WeftPassMoments(WeftPass pass, const WeftNetworkNorm *norm);
