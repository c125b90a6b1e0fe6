/* Run files of two layers for tests: the first learned, the second written by hand. Cmocka's assertions inside. */
#pragma once
#include "planted.h"
#include <weft/h5.h>

/* Layer 0: 12 inputs, 12 groups of 2. Layer 1, written by hand: 12 inputs, 3 groups of 5. */
enum { D = 12, P0 = 2, G0 = 12, P1 = 5, G1 = 3, K1 = P1 * G1 };

/* Layer 1: numbers that depend on their place alone, some of them zero; the last group is dead. */
extern double       Layer1Atom(int j, int a);
extern double       Layer1Mean(int j);
extern double       Layer1Whitening(int i, int j);
extern const double layer1_lambda, layer1_floor, layer1_usage[G1];

/* A dataset of doubles; cols 0: one-dimensional. For Change(). */
extern void StructureReals(hid_t file, const char path[], PetscInt64 rows, PetscInt64 cols, const double values[]);
/* Layer 1 with so many inputs: D, if it is to fit. For Change(). */
extern void StructureLayer1(hid_t file, PetscInt64 inputs);

/* Rank 0 changes a copy of a file of the test's folder, all wait; the copy's path. Collective. */
extern const char *StructureChange(const char from[], const char to[], void (*change)(hid_t file));
/* Set-up of a group: in a new folder "one" (layer), "two", "narrow" (one layer with μ > 0) and "checkpoint".
 * Collective. */
extern int StructureMakeFiles(void **state);
