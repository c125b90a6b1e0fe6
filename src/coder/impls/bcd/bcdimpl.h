/* Block coordinate descent's own state. */
#pragma once
#include "../../coderimpl.h"

/* The working sets of some samples with the Gram matrix of each. Sample j's groups are group[start[j]] and on; its
   matrix, of order n p with rows padded to a length ld that suits vectors, begins at offset[j]. */
typedef struct {
  size_t  samples, *row;  /* set j is of sample row[j] of those left */
  size_t *start, *offset; /* [batch + 1] */
  int    *group;          /* [batch G] */
  /* Who has a group: entries head[g] .. head[g+1] of (sample, place in its set). */
  size_t   *head;           /* [G + 1] */
  int      *sample, *place; /* [batch G] */
  WeftBlock gram;           /* [1, capacity] */
} Sets;

typedef struct {
  WeftCoderPanels panels; /* the Gram matrix */
  WeftBlock       gram;   /* [k, k] of the rotated atoms */
  WeftBlock       into; /* [k, p] row gp + j: what coefficient j of group g adds to the p rotated ones, row j of Q_g */
  WeftBlock       back; /* [k, p] the same for the way back, column j of Q_g */
  WeftBlock       diagonal;   /* [k] eigenvalues of the diagonal blocks */
  int             group_size; /* that these are made for */

  /* The samples that are left: the j-th is sample index[j] of the batch and row j of what follows. */
  size_t            capacity, left;
  size_t           *index;
  int              *idle;           /* rounds in which no group joined */
  double           *inner;          /* the gap that the restricted problem is to be solved to */
  WeftBlock         q;              /* [batch, k] c − G z */
  WeftCoderNonzeros nonzeros, next; /* of their z; of those that go on to the next round */
  WeftBlock         square;         /* [G] ‖q_g‖² of one of them */
  Sets              sets;
  WeftBlock         local;         /* vectors that one sample's restricted problem works with */
  int              *active;        /* [k + 1] */
  double           *norms, *ridge; /* [G] */
} BCD;

enum {
  PADDING = 16,         /* lengths over a working set are multiples of it, filled up with zeros */
  SCAN_GROUPS = 16,     /* that are looked at together, as few of them join */
  ROTATE_COLUMNS = 16,  /* of the Gram matrix, turned at a time */
  SETS_BYTES = 1 << 20, /* Gram matrices of working sets that are held at a time, where one alone is not larger */
  FIRST_ATOMS = 64,     /* most that a first working set holds */
  GRADIENT_STEPS = 8,   /* of conjugate gradients in a Newton step */
  MAX_ROUNDS = 200,     /* on a batch */
  MAX_IDLE_ROUNDS = 3   /* in which a sample's set did not grow */
};
/* Groups join an empty set where ‖q_g‖ passes λ√p by this part of the largest excess. */
static const double FIRST_PART = 0.2;
/* Curvature that counts as none, in units of the Gram matrix's diagonal. */
static const double FLAT = 1e-2;
/* A restricted problem is solved to this part of the gap that the sample had, or to the target. */
static const double FIRST_ACCURACY = 0.02;
