/* Parallel HDF5, checked: every call that fails names itself, every failed read or write is agreed on by all ranks.
   Unless a comment says otherwise the functions are collective over the file's communicator. */
#pragma once
#include <weft/sys.h>
#include <hdf5.h>

/* WeftH5Failed - raises what HDF5 says of a call: a file that the system cannot read is PETSC_ERR_FILE_READ, which ends
   the program with one line and WEFT_EXIT_USER; all else would be a defect of ours. Not collective. */
extern PetscErrorCode WeftH5Failed(int line, const char function[], const char source[], const char call[]);
#define WEFT_H5_RAISE(call)                                                                                            \
  do {                                                                                                                 \
    const PetscErrorCode weft_failed_ = WeftH5Failed(__LINE__, PETSC_FUNCTION_NAME, __FILE__, call);                   \
    return weft_failed_ ? weft_failed_ : PETSC_ERR_LIB;                                                                \
  } while (0)
#define WeftH5(call)                                                                                                   \
  do {                                                                                                                 \
    if (PetscUnlikely((call) < 0)) WEFT_H5_RAISE(#call);                                                               \
  } while (0)
#define WeftH5Get(var, call)                                                                                           \
  do {                                                                                                                 \
    (var) = (call);                                                                                                    \
    if (PetscUnlikely((var) < 0)) WEFT_H5_RAISE(#call);                                                                \
  } while (0)
/* A call that says by failing that there is no such thing: raises only what the system cannot read. */
#define WeftH5Try(var, call)                                                                                           \
  do {                                                                                                                 \
    (var) = (call);                                                                                                    \
    if (PetscUnlikely((var) < 0) && WeftH5Unread()) WEFT_H5_RAISE(#call);                                              \
  } while (0)

/* WeftH5Start - starts HDF5 in a way that leaves files alone when the program ends, where HDF5 would write what it
   still holds back: after a write that failed for want of room that ends in a crash, or with ranks waiting for one
   another. Before MPI starts. Not collective. */
extern void WeftH5Start(void);
/* WeftH5Close - closes a file whose closing may fail. Where it does HDF5 has freed the file and still lists it: it must
   not be touched again, and WeftH5Abandon() and WeftH5Stop() do not. Collective where the file is. */
extern herr_t WeftH5Close(hid_t file);
/* WeftH5Stop - ends HDF5, but where a file could not be closed, which HDF5 would free a second time. Collective. */
extern void WeftH5Stop(void);
/* WeftH5Abandon - closes all files for MPI but not for HDF5, which must not be used after it. Collective. */
extern void WeftH5Abandon(void);

/* The most telling line of HDF5's error stack ("No space left on device"), or the one found last where the stack is
   empty: any later call empties it, closing a handle too, so ask at once. Not collective; static storage. */
extern const char *WeftH5Reason(void);

/* WeftH5Unread - the same, for its answer: was it the system (an I/O error), which the file may have outlived? Not
   collective. */
extern PetscBool WeftH5Unread(void);

/* WeftH5Agree - *any: did a call that all ranks make together fail on one? Then reason is that of the lowest such rank,
   on all of them. A rank that failed waits for the others a few seconds only: where they are still in that call,
   waiting for it, it reports (what: "cannot write F"), removes the unfinished outputs and ends the program with status
   WEFT_EXIT_USER. Collective. */
extern PetscErrorCode WeftH5Agree(MPI_Comm comm, const char what[], PetscBool failed, PetscBool *any, char reason[256]);

/* Opens a file for reading, by each rank for itself. A missing, unreadable, truncated or foreign file is a user's
   mistake; option names what gave the path ("-data"). Close with WeftH5Close(); where that fails nothing is lost. */
extern PetscErrorCode WeftH5OpenRead(MPI_Comm comm, const char option[], const char path[], hid_t *file);

/* *exists: does path (groups included) lead to an object? Safe where a group on the way is missing. */
extern PetscErrorCode WeftH5Exists(hid_t file, const char path[], PetscBool *exists);

/* WeftH5Held - can the file hold an open dataset of this type and these dimensions? Ask before memory for it is. A
   dataset whose numbers are in other files is believed. Not collective. */
extern PetscErrorCode WeftH5Held(hid_t file, hid_t dataset, hid_t type, int ndims, const hsize_t dims[],
                                 PetscBool *held);

/* WeftH5Expect - a user's mistake that names file and path unless there is a dataset of numbers with these dimensions;
   a negative dims[i] may be anything, and becomes what it is. */
extern PetscErrorCode WeftH5Expect(MPI_Comm comm, hid_t file, const char path[], int ndims, PetscInt64 dims[]);

/* Rows of a dataset of any rank >= 1 (the first dimension counts rows, the rest make one row): each rank reads rows
   [row0, row0 + rows) in memory type `type`, row-major. Any rank may ask for none. Errors: a failing read is a user's
   mistake that names file and dataset; and, where the dataset has a checksum and the ranks have read all of it (each
   the rows that follow those of the rank before it, or each all of them), so is another sum of what was read. */
extern PetscErrorCode WeftH5ReadRows(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                                     hid_t type, void *values);

/* What a rank has read so far of a dataset; {0} before the first row. */
typedef struct {
  PetscInt64 first, next; /* rows [first, next) */
  uint32_t   crc;         /* what they add to the checksum of the whole */
  PetscBool  lossy;       /* they were read as a type that cannot hold them all */
} WeftH5Read;
/* WeftH5ReadMore - as WeftH5ReadRows(), of a dataset that is read in pieces, on each rank one after the other.
   WeftH5ReadEnd - compares with the checksum where all of it was read. WeftH5ReadIsGood - the same, for the caller to
   say what is wrong; begins anew where it had all to compare. */
extern PetscErrorCode WeftH5ReadMore(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                                     hid_t type, void *values, WeftH5Read *read);
extern PetscErrorCode WeftH5ReadEnd(MPI_Comm comm, hid_t file, const char path[], WeftH5Read *read);
extern PetscErrorCode WeftH5ReadIsGood(MPI_Comm comm, hid_t file, const char path[], WeftH5Read *read, PetscBool *good);

/* WeftH5ReadNumber - a scalar dataset, into *value on every rank; a user's mistake where path is none. */
extern PetscErrorCode WeftH5ReadNumber(MPI_Comm comm, hid_t file, const char path[], double *value);

/* What a dataset is for, written beside it. labels: one name per dimension, comma separated ("sample,feature"). */
typedef struct {
  const char *description, *units, *labels;
} WeftH5Note;

/* Creates the dataset [nrows, ncols] (ncols = 0: one-dimensional [nrows]) and its missing parent groups. */
extern PetscErrorCode WeftH5CreateRows(hid_t file, const char path[], hid_t file_type, PetscInt64 nrows,
                                       PetscInt64 ncols, WeftH5Note note);
/* Each rank writes rows [row0, row0 + rows) of an existing dataset, as in WeftH5ReadRows(). */
extern PetscErrorCode WeftH5WriteRows(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                                      hid_t type, const void *values);
/* A small array that every rank holds alike: rank 0 writes it. Creates the dataset. */
extern PetscErrorCode WeftH5WriteSmall(MPI_Comm comm, hid_t file, const char path[], hid_t file_type, hid_t type,
                                       PetscInt64 nrows, PetscInt64 ncols, const void *values, WeftH5Note note);
/* A scalar string dataset. */
extern PetscErrorCode WeftH5WriteText(MPI_Comm comm, hid_t file, const char path[], const char text[], WeftH5Note note);
/* PetscFree() it; NULL where path is no such dataset. */
extern PetscErrorCode WeftH5ReadText(hid_t file, const char path[], char **text);

/* WeftH5WriteSums - the checksum of each dataset that was created by these functions, as its attribute crc32: what
   Python's zlib.crc32 has of its bytes. One that was not written in full is a fault. Then the file is flushed, and
   WeftH5WriteHeapSums - the same of the names of dimensions - is the last before it is closed. */
extern PetscErrorCode WeftH5WriteSums(MPI_Comm comm, hid_t file);
extern PetscErrorCode WeftH5WriteHeapSums(MPI_Comm comm, hid_t file);
/* For a file that is given up. Not collective. */
extern PetscErrorCode WeftH5ForgetSums(hid_t file);

/* What a check found: how many datasets there are, and how many have a checksum, which all agree. */
typedef struct {
  PetscInt64 datasets, summed;
} WeftH5Checked;
/* How much of a file is looked at: what describes the data; the data too; and the names of dimensions, which nothing is
   computed from, and which other programs change when they add to a file. */
typedef enum { WEFT_H5_ABOUT, WEFT_H5_DATA, WEFT_H5_ALL } WeftH5Depth;
/* WeftH5Check - a user's mistake that names file and place where an object of the file cannot be opened or, of the
   data, where a dataset is not what was written. Each rank reads its share of the rows, 4 MB at a time. option names
   what gave the path. */
extern PetscErrorCode WeftH5Check(MPI_Comm comm, const char option[], const char path[], WeftH5Depth depth,
                                  WeftH5Checked *checked);

/* Attributes of the object at path ("/" for the root). Overwrite where they exist. */
extern PetscErrorCode WeftH5SetInt(hid_t file, const char path[], const char name[], PetscInt64 value);
extern PetscErrorCode WeftH5SetInts(hid_t file, const char path[], const char name[], int n, const PetscInt64 values[]);
extern PetscErrorCode WeftH5SetReal(hid_t file, const char path[], const char name[], double value);
extern PetscErrorCode WeftH5SetText(hid_t file, const char path[], const char name[], const char text[]);
/* *found = PETSC_FALSE and the value untouched where there is no such attribute, or it is not of that kind. */
extern PetscErrorCode WeftH5GetInts(hid_t file, const char path[], const char name[], int n, PetscInt64 values[],
                                    PetscBool *found);
extern PetscErrorCode WeftH5GetReal(hid_t file, const char path[], const char name[], double *value, PetscBool *found);
extern PetscErrorCode WeftH5GetText(hid_t file, const char path[], const char name[], size_t size, char text[],
                                    PetscBool *found);
