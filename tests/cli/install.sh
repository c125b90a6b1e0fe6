# Weft as `cmake --install` leaves it works from elsewhere: the program with the same libraries, each header by itself.
. "$WEFT_SOURCE/tests/lib/cli.sh"
build=$(dirname "$WEFT")
[ -f "$build/cmake_install.cmake" ] || skip "$build is no build folder"

libraries() { ldd "$1" | awk '/=>/ && !/libweft/ {print $1, $3}' | sort; }

runs cmake --install "$build" --prefix "$TMP/weft"
mv "$TMP/weft" "$TMP/elsewhere" # nothing in it may know where it was installed
mkdir run && cd run || exit 1
installed=$TMP/elsewhere/bin/weft
libraries "$WEFT" > built
libraries "$installed" > found
diff built found > /dev/null || fail "other libraries than the build has: $(diff built found)"

runs "$installed" -version
runs "$installed" synth -o data.h5 -samples 60 -test_samples 0 -size 8
runs "$MPIEXEC" -n 2 "$installed" learn -data data.h5 -o run.h5 -weft_atoms 16 -weft_batch_size 30 -weft_iterations 4
runs "$installed" info run.h5

# The flags that the program's own main.c is compiled with, but for Weft's include folder.
"$PYTHON" - "$build/compile_commands.json" "$WEFT_SOURCE" "$TMP/elsewhere" > flags << 'PYTHON' || fail "no flags"
import json, shlex, sys
commands, source, prefix = sys.argv[1:]
(own,) = (e for e in json.load(open(commands)) if e["file"].endswith("/src/main.c"))
words = shlex.split(own["command"])
words = words[: words.index("-o")]
print(*(w.replace(f"{source}/include", f"{prefix}/include") for w in words), sep="\n")
PYTHON
mapfile -t compile < flags
(cd "$WEFT_SOURCE/include" && find . -name '*.h') | sort > headers
(cd "$TMP/elsewhere/include" && find . -name '*.h') | sort > there
diff headers there > /dev/null || fail "headers: $(diff headers there)"
while read -r header; do
  printf '#include <%s>\nint weft_one;\n' "${header#./}" > one.c
  runs "${compile[@]}" -fsyntax-only one.c
done < headers
finish
