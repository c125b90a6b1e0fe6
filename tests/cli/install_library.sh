# The library as `cmake --install` leaves it, moved: each header by itself, and a user's program by pkg-config and by
# CMake.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/installed.sh"

# The flags that the program's own main.c is compiled with, but for Weft's include folder.
"$PYTHON" - "$build/compile_commands.json" "$WEFT_SOURCE" "$installed" > flags << 'PYTHON' || fail "no flags"
import json, shlex, sys
commands, source, prefix = sys.argv[1:]
(own,) = (e for e in json.load(open(commands)) if e["file"].endswith("/src/main.c"))
words = shlex.split(own["command"])
words = words[: words.index("-o")]
print(*(w.replace(f"{source}/include", f"{prefix}/include") for w in words), sep="\n")
PYTHON
mapfile -t compile < flags
(cd "$WEFT_SOURCE/include" && find . -name '*.h') | sort > headers
(cd "$installed/include" && find . -name '*.h') | sort > there
diff headers there > /dev/null || fail "headers: $(diff headers there)"
while read -r header; do
  printf '#include <%s>\nint weft_one;\n' "${header#./}" > one.c
  runs "${compile[@]}" -fsyntax-only one.c
done < headers

# A program that reads a data file.
cat > use.c << 'C'
#include <weft/data.h>

int main(int argc, char **argv)
{
  WeftData data;

  if (WeftInitialize(&argc, &argv, NULL)) return 1;
  if (WeftDataOpen(PETSC_COMM_WORLD, "data", "data.h5", &data)) return 1;
  if (PetscPrintf(PETSC_COMM_WORLD, "%d features\n", (int)WeftDataGetInfo(data)->features)) return 1;
  return WeftDataClose(&data) || WeftFinalize();
}
C
runs "$WEFT" synth -o data.h5 -samples 60 -test_samples 0 -size 8
says() {
  runs "$@"
  [ "$(cat out)" = "64 features" ] || fail "$*: $(cat out err)"
}
instrument=()
grep -q '^WEFT_SANITIZE:BOOL=ON' "$build/CMakeCache.txt" && instrument=(-fsanitize=address,undefined)
grep -q '^CMAKE_C_FLAGS:.*--coverage' "$build/CMakeCache.txt" && instrument=(--coverage)

export PKG_CONFIG_PATH=$installed/lib/pkgconfig:$installed/lib64/pkgconfig
runs pkg-config --exists --print-errors weft
[ "weft $(pkg-config --modversion weft)" = "$("$WEFT" -version | cut -d ' ' -f 1-2)" ] || fail "weft.pc: its version"
read -ra flags <<< "$(pkg-config --cflags --libs --static weft)"
runs cc use.c -o by-pkg-config "${instrument[@]}" "${flags[@]}"
says ./by-pkg-config
says "$MPIEXEC" -n 2 ./by-pkg-config
unset PKG_CONFIG_PATH

cat > CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(use LANGUAGES C)
find_package(Weft 0.1 REQUIRED)
add_executable(by-cmake use.c)
target_link_libraries(by-cmake PRIVATE Weft::weft)
CMAKE
runs cmake -S . -B make -DCMAKE_PREFIX_PATH="$installed" -DCMAKE_C_FLAGS="${instrument[*]}"
runs cmake --build make
says make/by-cmake
sed -i 's/Weft 0.1/Weft 7.0/' CMakeLists.txt
cmake -S . -B other -DCMAKE_PREFIX_PATH="$installed" > out 2>&1 && fail "another version will do"
finish
