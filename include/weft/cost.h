/* What learning a layer costs a rank, as formulas: bytes that travel and bytes that are held. Tests hold them to what
   is measured. None of these is collective. */
#pragma once
#include <weft/layers.h>

/* n samples of d inputs, k atoms in groups of p, on so many ranks. */
typedef struct {
  PetscInt64    n, d, k, p;
  PetscInt64    batch; /* samples; 0: all */
  int           ranks;
  WeftPrecision precision;
  double        active;   /* fraction of groups active in a sample: what codes take */
  int           inner;    /* passes of a dictionary step over its blocks of atoms */
  int           norms;    /* reductions of a block's norms in all of them */
  PetscBool     relative; /* are the weights still relative (before the freeze)? */
} WeftLayerShape;

/* The shape of a layer to be learned with these settings, where nothing was measured yet: the target for active (all
   where there is none), 2 passes in which a block's norms take 3 reductions (1 for p = 1), weights relative. */
extern void WeftLayerShapeFromSettings(const WeftLayerSettings *settings, PetscInt64 n, PetscInt64 d, int ranks,
                                       WeftLayerShape *shape);

/* What travels in an iteration. real: bytes of a number of the run's precision. P: ranks.

     part     collectives                              numbers of a rank (mean over ranks)
     A        1 all-reduce                             k (k + p) / 2 real
     B        1 reduce-scatter                         d k real
     atoms    1 all-gather                             d k / P real
     gram     1 all-gather                             k² / P real
     step     all-reduces of b, the number of blocks of about 64 atoms, and of k; norms of k/b, inner of 4, 2 of 2, and
              one of G while weights are relative; all double
     groups   all-reduces of 1 + 2 G, 6 and 2, a broadcast of 1, all double; an all-reduce of 2 ints

   The reduction is not laid beside the coding. Cut in two, so that one part of a batch travels while the other is
   coded, it sends everything twice; begun for one batch and awaited in the next, it leaves the dictionary a batch
   behind. And there is little to gain: of the default layer, A and B send 7.4 MB, 0.7 ms at 10 GB/s, beside tens of ms
   of coding for each batch; and an MPI that works only within its own calls hides none of it (Open MPI on 2 cores: an
   all-reduce of A, 0.45 ms, begun before 8 ms of work and awaited after it takes no less). What pays at thousands of
   ranks is a larger batch, as what travels does not grow with it.

   On one rank the first four parts are none. Messages of over 2^26 numbers of A or B are cut. A group that is re-seeded
   adds p all-reduces of d doubles. */
typedef enum {
  WEFT_TRAFFIC_A,
  WEFT_TRAFFIC_B,
  WEFT_TRAFFIC_ATOMS,
  WEFT_TRAFFIC_GRAM,
  WEFT_TRAFFIC_STEP,
  WEFT_TRAFFIC_GROUPS,
  WEFT_TRAFFIC_PARTS
} WeftTrafficPart;
extern const char *const WeftTrafficNames[WEFT_TRAFFIC_PARTS];

typedef struct {
  double calls;
  double payload; /* bytes that a rank hands to the collectives, mean over ranks: its send buffers */
  double sent;    /* bytes that it sends, and as many that it receives, where the collectives send as little as can be
                     (ring, recursive halving): 2 m (P − 1)/P for an all-reduce of m bytes, m (P − 1)/P for a
                     reduce-scatter of m, an all-gather that makes m, or a broadcast of m */
} WeftTraffic;

/* WeftLayerTraffic - of one iteration: traffic [WEFT_TRAFFIC_PARTS]; its sum may be NULL. */
extern void WeftLayerTraffic(const WeftLayerShape *shape, WeftTraffic traffic[], WeftTraffic *sum);

/* Bytes that the fullest rank holds, beside what a process of MPI and PETSc does that has done nothing. N = ceil(n/P)
   samples, N' = ceil(batch/P), R = ceil(d/P) rows, a = active G, real as above; a double has 8 bytes.

     samples     N d real, and 12 N for the order of batches
     codes       N (28 + a (p real + 4)): active groups only, in the run's precision
     statistics  (k (k + p) / 2 + k d) sum: a rank's own sums over a batch, sum being the bytes of one, see
                 WeftLayerSums(); 8 k² + 8 k R: the running means
     dictionary  8 k R of D; (8 + real) k R + 4 G R that its step works in with k² real of A, and for a block of w
                 atoms, about 64, 2 w R real + 8 (3 w + p) R
     coder       k d real of atoms; 3 k² real of Gram matrices: as made, rotated, in panels; 256 (5 k + 2 d) real and
                 256 k (real + 4) of work, and 1 MB; the batch's N' d real (none if it is all) and 3 N' a (8 p + 4) of
                 its codes
     messages    while it travels, the longer of: B's (d + R) k real, the atoms' d k real; none on one rank
     whitening   8 d R

   and before, while the whitening is learned, samples, 8 d R, and the most of 56 d R (36 d² on one rank), 8 d (R + 512)
   and real d (d + 512). The peak is the larger of the two, and 6 MB that libraries take for themselves. Not counted: a
   checkpoint, for which the codes are there twice, and k R double; MPI's own buffers for I/O where samples are in
   chunks; no more than three digits of all this are worth anything. */
typedef struct {
  double samples, codes, statistics, dictionary, coder, messages; /* while learning */
  double whitening;                                               /* kept */
  double preprocessing;                                           /* samples and all, while that goes on */
  double peak;
} WeftMemory;
extern void WeftLayerMemory(const WeftLayerShape *shape, WeftMemory *memory);

/* WeftStackMemory - of learning the layers of a stack, as many as the settings allow, one after the other. A layer
   after the first is learned from G' inputs, the groups of the one before; besides what a layer takes by itself a rank
   then holds, of those before it, N d real of layer 0's input, N G real of responses, 8 k R + k d real of atoms and 8 d
   R of whitening each, and 16 d R for the eigenvectors of layer 0's input. When a layer is learned its responses are
   measured, which takes, beside what is kept, 88 d R the first time (d and R of layer 0), and 16 d R + 8 m (m + d)
   (1 + 3/P) for m responses in all. memory: of the layer whose peak is highest, with what is kept of those before it
   in its samples, preprocessing and peak. */
extern void WeftStackMemory(const WeftStackSettings *settings, PetscInt64 n, PetscInt64 d, int ranks,
                            WeftMemory *memory);
