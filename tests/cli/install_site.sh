# What a site needs beside the program: the module file from a moved installation, the recipes for Spack and Apptainer, the
# Python package by pip.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/installed.sh"
version=$("$WEFT" -version | cut -d ' ' -f 2)
recipes=$WEFT_SOURCE/jobs/packaging

# ---- the module file ----
modulecmd=
for candidate in /usr/lib/*/modulecmd.tcl /usr/lib/modulecmd.tcl /usr/libexec/modulecmd.tcl /usr/share/Modules/libexec/modulecmd.tcl; do
  [ -f "$candidate" ] && modulecmd=$candidate
done
module() { eval "$(tclsh "$modulecmd" bash "$@")"; }
if [ -n "$modulecmd" ] && command -v tclsh > /dev/null; then
  mkdir site && mkdir site/weft && ln -s "$installed/share/modulefiles/weft/$version" site/weft/
  for folder in "$installed/share/modulefiles" "$PWD/site"; do
    (
      export MODULEPATH=$folder MANPATH=/usr/share/man
      module load weft
      [ "$(command -v weft)" = "$installed/bin/weft" ] || fail "$folder: not in PATH: $PATH"
      [[ $MANPATH == "$installed/share/man:"* && $CMAKE_PREFIX_PATH == "$installed" ]] || fail "$folder: $MANPATH"
      pkg-config --exists --print-errors weft || fail "$folder: not for pkg-config: $PKG_CONFIG_PATH"
      [ "$(weft -version)" = "$("$WEFT" -version)" ] || fail "$folder: not the program"
      module unload weft
      [[ $PATH:$MANPATH:${PKG_CONFIG_PATH:-} != *"$installed"* ]] || fail "$folder: unload leaves $PATH:$MANPATH"
      exit $failures
    ) || fail "module load weft from $folder"
  done
  MODULEPATH=$installed/share/modulefiles tclsh "$modulecmd" bash help weft 2>&1 | grep -q "weft -help" || fail "module help"
else
  echo "no environment-modules here: the module file was not tried"
fi

# ---- Spack and Apptainer, as far as it goes without them ----
"$PYTHON" - "$recipes/spack/packages/weft/package.py" << 'PYTHON' || fail "the recipe for Spack"
import ast, pathlib, re, sys

path = pathlib.Path(sys.argv[1])
known = {
    "license", "version", "variant", "depends_on", "when", "define", "define_from_variant", "run_after",
    "on_package_attributes", "Executable",
}
variants = {"mpi", "complex", "double", "python", "shared"}
tree = ast.parse(path.read_text())
(recipe,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
assert recipe.name == "Weft" and recipe.bases[0].id == "CMakePackage" and ast.get_docstring(recipe)
calls = [node for node in ast.walk(recipe) if isinstance(node, ast.Call)]
names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
assert names <= known, names - known
needs = {}
for call in calls:
    if isinstance(call.func, ast.Name) and call.func.id in ("depends_on", "when"):
        spec = call.args[0].value
        parts = re.fullmatch(r"([a-z0-9-]*)(@[0-9.]+:)?((?:[+~][a-z]+)*)", spec)
        assert parts, spec
        assert set(re.findall("[a-z]+", parts[3])) <= variants, spec
        needs[parts[1]] = next((k.value for k in call.keywords if k.arg == "type"), None)
assert {"mpi", "petsc", "scalapack", "hdf5", "blas", "lapack", "cmake", "pkgconfig", "py-h5py"} <= needs.keys()
methods = {node.name for node in recipe.body if isinstance(node, ast.FunctionDef)}
assert {"cmake_args", "setup_build_environment"} <= methods
source = path.resolve()
for _ in range(6):  # as the recipe goes up from its own folder
    source = source.parent
assert (source / "CMakeLists.txt").is_file(), source
PYTHON
[ "$(grep -c '^  namespace: weft$' "$recipes/spack/repo.yaml")" -eq 1 ] || fail "repo.yaml"

"$PYTHON" - "$recipes/weft.def" "$WEFT_SOURCE" << 'PYTHON' || fail "the definition for Apptainer"
import pathlib, re, subprocess, sys

text, source = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
head, *sections = re.split(r"^%", text, flags=re.MULTILINE)
header = dict(line.split(": ") for line in head.splitlines() if line and not line.startswith("#"))
assert header == {"Bootstrap": "docker", "From": "debian:bookworm"}, header
bodies = {section.split()[0]: section.split("\n", 1)[1] for section in sections}
assert bodies.keys() == {"files", "post", "environment", "runscript", "test", "labels", "help"}, bodies.keys()
copied = [line.split() for line in bodies["files"].splitlines() if line.strip()]
assert all((source / here).exists() and there == f"/opt/weft-source/{here}" for here, there in copied), copied
needed = {"CMakeLists.txt", "include", "src", "jobs", "inputs", "postprocess"}
assert needed <= {here for here, _ in copied}, copied
for name in ("post", "environment", "runscript", "test"):
    subprocess.run(["bash", "-n"], input=bodies[name], text=True, check=True)
for function in re.findall(r"^ *(weft_\w+)", bodies["post"], re.MULTILINE):
    assert f"\n{function}() {{" in (source / "jobs/packages.sh").read_text(), function
PYTHON
# What the image is built from is enough: those files alone configure, without git and without the tests.
mkdir source && (cd "$WEFT_SOURCE" && cp -r CMakeLists.txt LICENSE include src jobs inputs postprocess "$OLDPWD/source")
runs cmake -S source -B image -DBUILD_TESTING=OFF
(cd "$recipes" && grep -rnE 'https?://|docker\.io|ghcr|quay' .) && fail "a host is named"

# ---- the Python package ----
[ "$(sed -n 's/^version = "\(.*\)"$/\1/p' "$WEFT_SOURCE/postprocess/pyproject.toml")" = "$version" ] ||
  fail "pyproject.toml: another version than weft -version"
if "$PYTHON" -c 'import setuptools, wheel' 2> /dev/null && "$PYTHON" -m pip --version > /dev/null 2>&1; then
  runs "$PYTHON" -m pip install -q --no-build-isolation --no-deps --no-index --target packages source/postprocess
  runs env PYTHONPATH="$PWD/packages" "$PYTHON" packages/bin/weft-post -h
  grep -q "usage: " out || fail "weft-post of pip: $(cat out err)"
  (cd "$WEFT_SOURCE/postprocess" && find weftpost -type f ! -name '*.pyc') | sort > there
  (cd packages && find weftpost -type f ! -name '*.pyc') | sort > here
  diff there here > /dev/null || fail "pip leaves out or adds: $(diff there here)"
else
  echo "no pip, setuptools and wheel here: the Python package was not installed"
fi
finish
