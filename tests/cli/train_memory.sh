# What weft train says it will take in memory against what it took, beyond what its process held before.
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ -z "${ASAN_OPTIONS:-}" ] || skip "the sanitizers' own memory is counted too"

runs "$WEFT" synth -o data.h5 -samples 30000 -size 24
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_atoms 256 -weft_iterations 10

# holds RANKS OPTIONS...: the peak is within a fifth of what was said.
holds() {
  local ranks=$1
  shift
  rm -f net.h5
  runs "$MPIEXEC" -n "$ranks" "$WEFT" train -structure run.h5 -data data.h5 -o net.h5 -weft_train_epochs 1 "$@"
  "$PYTHON" - "$ranks ranks, $*" <<'PY' || fail "memory"
import h5py, re, sys
said = re.search(r"about (\d+) MB per rank: (\d+) of libraries.*, (\d+) of samples", open("err").read())
total, before, more = map(float, said.groups())
took = h5py.File("net.h5").attrs["peak_bytes_per_rank"] / 1e6 - before
print(f"{sys.argv[1]}: said {more:.0f}, took {took:.0f} MB")
sys.exit(0 if 0.8 * took <= more <= 1.2 * took else "not within a fifth")
PY
}

holds 1
holds 2
holds 4 -weft_train_average 0.9
holds 1 -weft_precision double -weft_train_batch_size 2000
finish
