/* The one small problem that both the code step and the dictionary step solve exactly, a group at a time. */
#pragma once
#include <weft/sys.h>
#include <math.h>

/* min over z in R^p of  1/2 Σ_i h_i z_i² − Σ_i b_i z_i + t ‖z‖₂,  h_i >= 0, t >= 0.
   z = 0 where ‖b‖ <= t; else z_i = b_i s / (h_i s + t) with s = ‖z‖ the root of  ψ(s) = (Σ b_i²/(h_i s + t)²)^(-1/2)
   = 1. ψ is a power mean of order −2 of affine functions, so concave and increasing: Newton's steps from the left of
   the root stay there and converge quadratically; from the right the first step lands left of it. For p = 1 or equal h
   the function is affine and one step is exact. */

enum { WEFT_GROUP_MAX_NEWTON = 60 };

/* WeftGroupSolveMany - n such problems that share h and t, solved side by side. Not collective.
   b, z: p columns of n numbers, column i at offset i * ld (b) and i * ld_z (z); z may be b.
   Returns by z alone. A component with h_i = 0 and t = 0 gets z_i = 0. */
extern void WeftGroupSolveMany(size_t n, int p, const double h[], double t, const double *b, size_t ld, double *z,
                               size_t ld_z);
