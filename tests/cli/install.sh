# Weft as `cmake --install` leaves it works from elsewhere: the program with the same libraries, the scripts, the pages.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/installed.sh"

libraries() { ldd "$1" | awk '/=>/ && !/libweft/ {print $1, $3}' | sort; }
libraries "$WEFT" > built
libraries "$installed/bin/weft" > found
diff built found > /dev/null || fail "other libraries than the build has: $(diff built found)"

# Nothing lacks, nothing is there by mistake, and nothing names the place where it was installed or the source.
(cd "$installed" && find . -type f) | sort > files
for file in bin/weft bin/weft-post bin/weft-submit bin/weft-sweep share/man/man1/weft.1 share/weft/jobs/site.sh \
  share/weft/jobs/submit.sh share/weft/jobs/sweep.sh share/weft/inputs/fashion-mnist.yaml \
  share/weft/postprocess/weftpost/__main__.py share/weft/postprocess/pyproject.toml \
  share/bash-completion/completions/weft share/bash-completion/completions/weft-submit; do
  grep -qx "./$file" files || fail "not installed: $file"
done
grep -E '/tests/|__pycache__|\.pyc$|/\.[a-z]|\.png$|/packaging/|quickstart' files && fail "installed by mistake"
grep -rlF -e "$TMP/weft" -e "$WEFT_SOURCE" "$installed/share" "$installed/lib/pkgconfig" "$installed/lib/cmake" \
  > names && fail "names a folder of the build: $(cat names)"
for script in "$installed"/bin/* "$installed"/share/weft/jobs/s[uw]*.sh; do
  [ -x "$script" ] || fail "not executable: $script"
done
cmp -s <("$WEFT" -help -man) "$installed/share/man/man1/weft.1" || fail "the man page is not what weft -help -man says"

runs "$installed/bin/weft" -version
runs "$installed/bin/weft" synth -o data.h5 -samples 60 -test_samples 0 -size 8
runs "$MPIEXEC" -n 2 "$installed/bin/weft" learn -data data.h5 -o run.h5 -weft_atoms 16 -weft_batch_size 30 \
  -weft_iterations 4
runs "$installed/bin/weft" info run.h5

# The scripts, by a link in another folder too; what Weft was built from is not needed.
mkdir links && ln -s "$installed"/bin/weft-* links/
unset WEFT_SITE PYTHONPATH
saved=$WEFT WEFT=
export WEFT
runs links/weft-post history run.h5
[ -s run-history.png ] || fail "weft-post drew nothing: $(cat out err)"
runs links/weft-submit -help
grep -q "submit.sh" out || fail "weft-submit -help: $(cat out)"
runs links/weft-sweep -help
grep -q "GRID.yaml" out || fail "weft-sweep -help: $(cat out)"
links/weft-submit learn -data no.h5 -o new.h5 > out 2> err
[ $? -eq 2 ] && grep -q "no.h5" err || fail "weft-submit of a mistake: $(cat out err)"
PYTHONHOME=/no/such links/weft-post history run.h5 > out 2> err # no Python starts
[ $? -eq 2 ] && grep -q "no Python with h5py" err || fail "weft-post without Python: $(cat out err)"
WEFT=$saved

# A user's site file outlives a new installation.
echo "weft_partition=mine" > "$installed/share/weft/jobs/site.sh"
runs cmake --install "$build" --prefix "$installed"
grep -qx "weft_partition=mine" "$installed/share/weft/jobs/site.sh" || fail "the user's site.sh was overwritten"
finish
