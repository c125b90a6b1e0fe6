/* Included twice, with REAL and NAME(x): norms of groups. */

/* y [G] = max(0, ‖u_g‖ − threshold) of a row u [k]; 0 for a group that is not alive. What is not a number stays so. */
static void NAME(Pool)(const WeftResponder *r, double threshold, const REAL *u, REAL *y)
{
  const int p = r->group_size;

  for (int g = 0; g < r->groups; ++g, u += p) {
    double square = 0, norm;
    for (int a = 0; a < p; ++a) square += (double)u[a] * (double)u[a];
    norm = sqrt(square);
    y[g] = norm <= threshold || !r->alive[g] ? 0 : (REAL)(norm - threshold);
  }
}
