# Bad IDX files and options: one line, status 2, no file left behind.
. "$WEFT_SOURCE/tests/lib/cli.sh"

"$PYTHON" - <<'PY' || exit 1
import gzip, struct
def idx(name, dims, body, kind=8, pack=False):
    data = bytes([0, 0, kind, len(dims)]) + struct.pack(f">{len(dims)}I", *dims) + body
    (gzip.open if pack else open)(name, "wb").write(data)
pixels, labels = bytes(range(256)) * 4, bytes(i % 10 for i in range(16))
idx("x", (16, 8, 8), pixels)
idx("y", (16,), labels)
idx("x.gz", (16, 8, 8), pixels, pack=True)
idx("y.gz", (16,), labels, pack=True)
idx("short", (16, 8, 8), pixels[:-1])
idx("short_labels", (16,), labels[:-1])
idx("long", (16, 8, 8), pixels + b"\0")
idx("long_labels", (16,), labels + b"\0")
idx("long.gz", (16, 8, 8), pixels + b"\0", pack=True)
idx("y15", (15,), labels[:-1])
idx("y_high", (16,), b"\x0b" + labels[1:])
idx("huge", (2**32 - 1, 2**32 - 1, 2**32 - 1), pixels)
idx("huge.gz", (2**32 - 1, 60000, 60000), pixels, pack=True)
idx("wide.gz", (1, 2**32 - 1), pixels, pack=True)
idx("none", (0, 8, 8), b"")
idx("flat", (16, 0, 8), b"")
idx("floats", (16, 8, 8), pixels * 4, kind=0x0D)
idx("x2", (16, 4, 8), pixels[:512])
packed = gzip.compress(open("x", "rb").read())
open("cut.gz", "wb").write(packed[:-300])
open("trailer.gz", "wb").write(packed[:-5])
open("damaged.gz", "wb").write(packed[:200] + bytes(b ^ 0x55 for b in packed[200:240]) + packed[240:])
open("checksum.gz", "wb").write(packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:])
open("empty", "wb").write(b"")
open("text", "wb").write(b"P5 28 28 255 not an IDX file")
open("header", "wb").write(bytes([0, 0, 8, 3, 0, 0, 0]))
PY
import() { refuses_alone "$1" "$WEFT" import idx -images "$2" -labels "$3" -o new.h5; }

runs "$WEFT" import idx -images x -labels y -o good.h5
import "missing: No such file" missing y
import "missing: No such file" x missing
import ".: not a regular file" . y
import "empty: cut short" empty y
import "text: not an IDX file" text y
import "header: cut short" header y
import "short: cut short" short y
import "short_labels: cut short" x short_labels
import "long: longer than its header says" long y
import "long_labels: longer than its header says" x long_labels
import "long.gz: longer than its header says" long.gz y
import "y15: has 15 labels for the 16 images of x" x y15
import "y: holds labels, not images" y x
import "x: holds images, not labels" x x
import "huge: cut short or damaged" huge y
import "huge.gz: cut short or damaged" huge.gz y
import "wide.gz: cut short or damaged" wide.gz y
import "none: its header says that dimension 0 is zero" none y
import "flat: its header says that dimension 1 is zero" flat y
import "floats: an IDX file of type 0x0d" floats y
import "cut.gz: cut short" cut.gz y
import "trailer.gz: cut short" trailer.gz y.gz
import "damaged.gz: its gzip data are damaged" damaged.gz y
import "checksum.gz: its gzip data are damaged" checksum.gz y
refuses_alone "y_high: sample 0 (counted from 0) has label 11, outside 0 to 9" \
  "$WEFT" import idx -images x -labels y -test-images x -test-labels y_high -o new.h5
refuses_alone "y: sample 4 (counted from 0) has label 4, outside 0 to 3" \
  "$WEFT" import idx -images x -labels y -classes 4 -o new.h5
refuses_alone "x2: its images have 32 pixels, the training images 64" \
  "$WEFT" import idx -images x -labels y -test-images x2 -test-labels y -o new.h5
refuses "short: cut short" "$MPIEXEC" -n 3 "$WEFT" import idx -images short -labels y.gz -o new.h5
refuses "x: holds images, not labels" "$MPIEXEC" -n 3 "$WEFT" import idx -images x.gz -labels x -o new.h5

refuses_alone "-images FILE is needed" "$WEFT" import idx -labels y -o new.h5
refuses_alone "-o FILE is needed" "$WEFT" import idx -images x -labels y
refuses_alone "-test-images and -test-labels go together" \
  "$WEFT" import idx -images x -labels y -test-images x -o new.h5
refuses_alone "-dir: weft import idx has no such option" "$WEFT" import idx -images x -labels y -dir . -o new.h5
refuses_alone "-classes: weft import cifar10 has no such option" "$WEFT" import cifar10 -dir . -classes 3 -o new.h5
refuses_alone "did you mean -images" "$WEFT" import idx -imges x -labels y -o new.h5
refuses_alone "one of idx, cifar10, hdf5" "$WEFT" import png -o new.h5
refuses_alone "-shape 8x8: height,width,channels is wanted" "$WEFT" import idx -images x -labels y -shape 8x8 -o new.h5
refuses_alone "the shape 8,9,1 does not make up its 64 features" \
  "$WEFT" import idx -images x -labels y -shape 8,9 -o new.h5
refuses_alone "-pixel_order rows: one of planes|interleaved" \
  "$WEFT" import idx -images x -labels y -pixel_order rows -o new.h5
refuses_alone "-o no/new.h5: its folder: No such file" "$WEFT" import idx -images x -labels y -o no/new.h5
cp good.h5 kept.h5
refuses_alone "-o good.h5: exists already" "$WEFT" import idx -images x -labels y -o good.h5
cmp -s good.h5 kept.h5 || fail "an existing file was touched"
finish
