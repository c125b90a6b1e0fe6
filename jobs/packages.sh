# What Weft needs from the system, in one place; sourced by jobs/quickstart.sh and tests/run.sh.
# On Debian and Ubuntu the packages that are missing are installed. Elsewhere, and where PETSC_DIR says that the user
# brings a PETSc of their own, nothing is installed: what is missing is named.
# shellcheck shell=bash disable=SC2086,SC2034  # lists are words; the lists are for the scripts that source this

weft_source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

weft_packages="build-essential cmake pkg-config git libopenmpi-dev openmpi-bin libpetsc-real-dev
  libscalapack-openmpi-dev libhdf5-openmpi-dev libopenblas-dev zlib1g-dev libcmocka-dev
  python3 python3-h5py python3-numpy python3-matplotlib python3-yaml"
weft_test_packages="$weft_packages hdf5-tools python3-pytest"
# Not in every release: the check that wants one is skipped, and says so, where it is not there.
weft_optional_packages="clang-format-14 clang-tidy cppcheck libpetsc64-real-dev python3-sklearn python3-torch python3-onnx
  slurm-wlm munge chromium chromium-driver python3-selenium environment-modules mypy"

weft_requirements() {
  cat << 'TEXT'
Weft needs:
  a C11 compiler, make, CMake >= 3.20, pkg-config
  MPI                     mpicc and mpiexec: Open MPI 4, MPICH 4 or newer
  PETSc >= 3.18           real, double precision; found by PETSC_DIR (and PETSC_ARCH) or pkg-config
  ScaLAPACK >= 2.1        found by pkg-config or SCALAPACK_ROOT
  parallel HDF5 >= 1.10   found by HDF5_ROOT or the h5pcc in PATH
  BLAS and LAPACK, zlib
  Python >= 3.11          with h5py, numpy and matplotlib, for the pictures
  cmocka and pytest       for the tests; clang-format 14, clang-tidy, cppcheck, scikit-learn and PyTorch for some of them
With Spack:    spack install petsc~complex+mpi+hdf5 netlib-scalapack hdf5+mpi cmocka && spack load (the same names)
With modules:  module load the site's MPI, PETSc, ScaLAPACK and parallel HDF5; export PETSC_DIR if its module does not
Then:          cmake -B build && cmake --build build && ctest --test-dir build
TEXT
}

weft_not_installed() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || echo "$package"
  done
}

# Prints the word to put before a command that needs root; status 1 where there is no way. sudo may ask for a password
# only where somebody can type it.
weft_root_word() {
  if [ "$(id -u)" -eq 0 ]; then
    echo env
  elif sudo -n true 2> /dev/null || { [ -t 0 ] && command -v sudo > /dev/null; }; then
    echo sudo
  else
    return 1
  fi
}

weft_apt() {
  local root
  root=$(weft_root_word) || return 1
  $root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold "$@" > /dev/null
}

# weft_install PACKAGES [OPTIONAL]: those that are missing. Asks the network only where one is. An optional package that
# cannot be had is said and done without.
weft_install() {
  local missing optional package
  missing=$(weft_not_installed $1)
  optional=$(weft_not_installed ${2:-})
  [ -n "$missing$optional" ] || return 0
  if ! weft_root_word > /dev/null; then
    [ -z "$missing" ] || echo "Neither root nor sudo at hand for:" \
      apt-get install --no-install-recommends $missing >&2
    return 0 # what is here may do all the same: weft_check tells
  fi
  if [ -n "$missing" ]; then
    echo "Installing (a few minutes):" $missing
    weft_apt update || return 1
    weft_apt install -y --no-install-recommends $missing || return 1
  fi
  for package in $optional; do
    [ -n "$(apt-cache show "$package" 2> /dev/null)" ] || continue
    weft_apt install -y --no-install-recommends "$package" || echo "Could not be installed, done without: $package"
  done
}

# weft_python [MODULE]: the Python that has what the pictures need, and the module. The system's may stand behind another
# one in PATH.
weft_python() {
  local python
  for python in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    "$python" -c 'import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))' \
      h5py matplotlib numpy ${1:+"$1"} 2> /dev/null && echo "$python" && return 0
  done
  return 1
}

weft_has_petsc() {
  local name
  for name in PETSc petsc; do
    PKG_CONFIG_PATH="${PETSC_DIR:-}/${PETSC_ARCH:-}/lib/pkgconfig:${PETSC_DIR:-}/lib/pkgconfig:${PKG_CONFIG_PATH:-}" \
      pkg-config --exists "$name >= 3.18" 2> /dev/null && return 0
  done
  return 1
}

# Prints the PETSC_DIR of the PETSc with 64-bit indices that Debian has beside the other; status 1 where there is none, or
# where PETSC_DIR says which PETSc is meant.
weft_petsc64() {
  [ -z "${PETSC_DIR:-}" ] && pkg-config --exists 'PETSc64 >= 3.18' 2> /dev/null && pkg-config --variable=prefix PETSc64
}

# Names what is missing, with status 1; CMake finds out about the rest.
weft_check() {
  local command missing=""
  for command in cc make cmake pkg-config mpicc mpiexec; do
    command -v "$command" > /dev/null || missing="$missing $command,"
  done
  weft_has_petsc || missing="$missing PETSc 3.18 or newer,"
  weft_python > /dev/null || missing="$missing a Python with h5py, matplotlib and numpy,"
  [ -n "$missing" ] || return 0
  echo "Missing:${missing%,}" >&2
  return 1
}

# weft_prepare PACKAGES [OPTIONAL]: on return all that a build needs is there; else the script ends with status 2.
weft_prepare() {
  if [ -e /etc/debian_version ] && command -v apt-get > /dev/null && [ -z "${PETSC_DIR:-}" ]; then
    weft_install "$@" || {
      echo "The packages could not be installed (see above). Run again when the network is there." >&2
      exit 2
    }
  fi
  weft_check || {
    weft_requirements >&2
    exit 2
  }
}

# weft_configure BUILD OPTION...: quiet, but for what is missing, which ends the script with status 2.
weft_configure() {
  local build=$1 log=$1/configure.log
  shift
  mkdir -p "$build"
  cmake -S "$weft_source" -B "$build" "$@" > "$log" 2>&1 && return 0
  cat "$log" >&2
  weft_requirements >&2
  exit 2
}
