# Import of CIFAR-10: the batches that are there, whole, and said so; bad batches are refused.
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ -f "$DATA/cifar10/data_batch_1.bin.gz" ] || skip "no $DATA/cifar10"

check() { # FILE BATCH...: the training batches in order; the test batch beside them
  "$PYTHON" - "$@" <<'PY' || fail "$*: not what Python reads"
import gzip, sys
import h5py, numpy as np
def batch(name):
    return np.frombuffer((gzip.open if name.endswith(".gz") else open)(name, "rb").read(), np.uint8).reshape(-1, 3073)
with h5py.File(sys.argv[1]) as f:
    for split, names in (("train", sys.argv[2:-1]), ("test", sys.argv[-1:])):
        records = np.concatenate([batch(name) for name in names])
        assert (f[split]["x"][:] == records[:, 1:]).all() and (f[split]["y"][:] == records[:, 0]).all()
    assert tuple(f.attrs["shape"]) == (32, 32, 3) and f.attrs["classes"] == 10
    assert bytes(f.attrs["pixel_order"]) == b"planes" and b"data_batch_1" in bytes(f.attrs["source"])
PY
}

mkdir some
cp "$DATA"/cifar10/{data_batch_1,test_batch}.bin.gz some
runs "$WEFT" import cifar10 -dir some -o some.h5
grep -q 'not in some: data_batch_2, data_batch_3, data_batch_4, data_batch_5$' out || fail "which are missing: $(cat out)"
grep -q '10000 training and 10000 test.*data_batch_1.bin.gz, test_batch.bin.gz' out || fail "which are there: $(cat out)"
check some.h5 some/{data_batch_1,test_batch}.bin.gz

# Batches of other lengths, plain and packed: .bin comes before .bin.gz.
mkdir mixed
gzip -dc some/data_batch_1.bin.gz | head -c $((3073 * 300)) > mixed/data_batch_1.bin
gzip -dc some/test_batch.bin.gz | head -c $((3073 * 70)) | gzip > mixed/data_batch_4.bin.gz
gzip -dc some/test_batch.bin.gz | head -c $((3073 * 5000)) > mixed/test_batch.bin
echo "not read" > mixed/test_batch.bin.gz
runs "$MPIEXEC" -n 3 "$WEFT" import cifar10 -dir mixed/ -o mixed.h5
check mixed.h5 mixed/data_batch_1.bin mixed/data_batch_4.bin.gz mixed/test_batch.bin

# The first so many training records, within a batch or past it; what follows is the test batch as it is.
head -c $((3073 * 250)) mixed/data_batch_1.bin > first.bin
runs "$WEFT" import cifar10 -dir mixed -samples 250 -o first.h5
check first.h5 first.bin mixed/test_batch.bin
{ cat mixed/data_batch_1.bin; gzip -dc mixed/data_batch_4.bin.gz | head -c $((3073 * 20)); } > second.bin
runs "$MPIEXEC" -n 2 "$WEFT" import cifar10 -dir mixed -samples 320 -o second.h5
check second.h5 second.bin mixed/test_batch.bin

import() { refuses_alone "$1" "$WEFT" import cifar10 -dir "$2" -o new.h5; }
mkdir none cut odd label empty
import "missing: no such folder" missing
import "none: holds none of data_batch_1..5" none
head -c 100000 some/data_batch_1.bin.gz > cut/data_batch_1.bin.gz
import "cut/data_batch_1.bin.gz: cut short" cut
refuses "cut/data_batch_1.bin.gz: cut short" "$MPIEXEC" -n 3 "$WEFT" import cifar10 -dir cut -o new.h5
head -c 6147 mixed/data_batch_1.bin > odd/data_batch_2.bin
import "odd/data_batch_2.bin: 6147 bytes are not whole records" odd
: > empty/data_batch_1.bin
import "empty/data_batch_1.bin: 0 bytes are not whole records" empty
{ head -c 6146 mixed/data_batch_1.bin; printf '\012'; head -c 3072 /dev/zero; } > label/data_batch_5.bin
import "label/data_batch_5.bin: record 2 (counted from 0) has label 10, outside 0 to 9" label
refuses_alone "-dir DIR is needed" "$WEFT" import cifar10 -o new.h5
finish
