#include "wefttest.h"

typedef int WeftTestLibraryIsNotEmpty;
