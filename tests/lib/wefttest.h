/* What every unit test needs: cmocka in MPI, where each rank runs all tests and any rank's failure fails the program.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <weft/sys.h>

/* Runs a PETSc call within a test. */
#define Ok(call) assert_int_equal((int)(call), 0)
/* |a - b| <= tol, written so that NaN fails. */
#define assert_near(a, b, tol)                                                                                         \
  do {                                                                                                                 \
    const double a_ = (a), b_ = (b), tol_ = (tol);                                                                     \
    if (!(PetscAbsReal(a_ - b_) <= tol_))                                                                              \
      fail_msg("%s = %.17g, %s = %.17g: differ by more than %g", #a, a_, #b, b_, tol_);                                \
  } while (0)

/* The main of a test program: starts Weft, runs the group, finalises; nonzero where any rank failed. */
#define WEFT_TEST_MAIN(tests)                                                                                          \
  int main(int argc, char **argv)                                                                                      \
  {                                                                                                                    \
    int failed, any;                                                                                                   \
    if (WeftInitialize(&argc, &argv, NULL)) return 1;                                                                  \
    failed = cmocka_run_group_tests(tests, NULL, NULL);                                                                \
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);                                                 \
    if (WeftFinalize()) return 1;                                                                                      \
    return any ? 1 : 0;                                                                                                \
  }
