"""Weft for Spack 0.23 and newer. From the root of the source, as it lies there:

    spack repo add jobs/packaging/spack && spack dev-build weft@main
"""

import os

from spack.package import *

try:  # where Spack 1 keeps it; in Spack 0.23 it is in spack.package
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass


class Weft(CMakePackage):
    """Learns the structure of neural networks from data, without labels: which inputs each unit connects to, which units
    are pooled, how many units survive and how many layers pay. An MPI program in C on PETSc, ScaLAPACK and HDF5."""

    git = "file://" + os.path.realpath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 5))

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("shared", default=False, description="Build libweft as a shared library")
    variant("python", default=True, description="What weft-post and weft-sweep need")

    depends_on("c", type="build")
    depends_on("cmake@3.20:", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi")
    depends_on("petsc@3.18:+mpi~complex+double")
    depends_on("scalapack")
    depends_on("hdf5@1.10:+mpi")
    depends_on("blas")
    depends_on("lapack")
    depends_on("zlib-api")

    with when("+python"):
        depends_on("python@3.11:", type="run")
        depends_on("py-h5py", type="run")
        depends_on("py-matplotlib", type="run")
        depends_on("py-numpy", type="run")
        depends_on("py-pyyaml", type="run")

    def setup_build_environment(self, env):
        env.set("HDF5_ROOT", self.spec["hdf5"].prefix)
        env.set("SCALAPACK_ROOT", self.spec["scalapack"].prefix)

    def cmake_args(self):
        return [self.define("BUILD_TESTING", False), self.define_from_variant("BUILD_SHARED_LIBS", "shared")]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(self.prefix.bin.weft)("-help", "-json", output=os.devnull)
