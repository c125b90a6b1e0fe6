/* Why a call of HDF5 failed, out of the stack of what it says. */
#include "h5impl.h"
#include <string.h>

/* The failure found last, and the file that the system could not read, if it was that. */
static char reason[256] = "no reason given", unread[PETSC_MAX_PATH_LEN];

/* The text between two marks of HDF5's long technical lines. */
static PetscBool Quoted(const char line[], const char mark[], size_t size, char text[])
{
  const char *begin = strstr(line, mark), *end;

  if (!begin) return PETSC_FALSE;
  begin += strlen(mark);
  end = strchr(begin, '\'');
  if (!end) return PETSC_FALSE;
  snprintf(text, size, "%.*s", (int)(end - begin), begin);
  return PETSC_TRUE;
}

static herr_t KeepReason(unsigned n, const H5E_error2_t *error, void *ctx)
{
  const char *line = error->desc ? error->desc : "";

  (void)n;
  (void)ctx;
  if (Quoted(line, "error message = '", sizeof(reason), reason)) {
    if (!Quoted(line, "filename = '", sizeof(unread), unread)) snprintf(unread, sizeof(unread), "a file");
    return 1;
  }
  if (line[0]) snprintf(reason, sizeof(reason), "%s", line);
  return strstr(reason, "MPI_ERR") ? 1 : 0;
}

/* Closing a handle empties the stack, so call this first right after what failed: an empty stack leaves the reason
   found last. */
const char *WeftH5Reason(void)
{
  if (H5Eget_num(H5E_DEFAULT) > 0) unread[0] = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, KeepReason, NULL);
  return reason;
}

PetscBool WeftH5Unread(void)
{
  WeftH5Reason();
  return unread[0] ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode WeftH5Failed(int line, const char function[], const char source[], const char call[])
{
  WeftH5Reason();
  if (unread[0])
    return PetscError(PETSC_COMM_SELF, line, function, source, PETSC_ERR_FILE_READ, PETSC_ERROR_INITIAL,
                      "%s cannot be read now: %s; it may be whole: try again, or ask who runs its disk", unread,
                      reason);
  return PetscError(PETSC_COMM_SELF, line, function, source, PETSC_ERR_LIB, PETSC_ERROR_INITIAL, "HDF5: %s failed: %s",
                    call, reason);
}
