# What weft learn says it will take in memory against what it took, beyond what its libraries do from the start.
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ -z "${ASAN_OPTIONS:-}" ] || skip "the sanitizers' own memory is counted too"

# make FILE N D: samples of few kinds, so that codes are found soon.
make() {
  "$PYTHON" -c "
import sys, h5py, numpy as np
path, n, d = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
kinds = rng.standard_normal((100, d)).astype('f4')
with h5py.File(path, 'w') as f:
    x = f.create_dataset('train/x', (n, d), 'f4')
    for i in range(0, n, 2000):
        x[i : i + 2000] = rng.laplace(size=(min(2000, n - i), 100)).astype('f4') @ kinds
" "$@" || fail "make $*"
}

# holds RANKS FILE OPTIONS...: the peak is within a fifth of what was said.
holds() {
  local ranks=$1 file=$2
  shift 2
  rm -f run.h5
  runs "$MPIEXEC" -n "$ranks" "$WEFT" learn -data "$file" -o run.h5 -weft_layers 1 "$@"
  "$PYTHON" - "$ranks ranks, $file $*" <<'PY' || fail "memory"
import h5py, re, sys
said = re.search(r"about (\d+) MB per rank: (\d+) of libraries, (\d+) for the layers?", open("err").read())
total, libraries, layer = map(float, said.groups())
took = h5py.File("run.h5").attrs["peak_bytes_per_rank"] / 1e6 - libraries
print(f"{sys.argv[1]}: said {layer:.0f}, took {took:.0f} MB")
sys.exit(0 if 0.8 * took <= layer <= 1.2 * took else "not within a fifth")
PY
}

make long.h5 20000 400
make wide.h5 6000 1500
make small.h5 2000 200
for ranks in 1 2 4; do
  holds $ranks long.h5 -weft_atoms 512 -weft_batch_size 500 -weft_iterations 3
  holds $ranks wide.h5 -weft_atoms 512 -weft_batch_size 500 -weft_iterations 3
  holds $ranks small.h5 -weft_atoms 1536 -weft_batch_size 0 -weft_iterations 2
  holds $ranks small.h5 -weft_atoms 768 -weft_group_size 1 -weft_batch_size 300 -weft_iterations 3 -weft_precision double
  # Layers one upon the other.
  holds $ranks long.h5 -weft_layers 3 -weft_depth_min_gain -1e6 -weft_atoms 512 -weft_batch_size 500 -weft_iterations 3
done
finish
