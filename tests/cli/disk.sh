# A full disk: status 2, one line, nothing lost: the last checkpoint loads and resumes.
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ "$(id -u)" -eq 0 ] || skip "filling a disk takes root and the right to mount"
. "$WEFT_SOURCE/tests/lib/room.sh"

mkdir disk
mount -t tmpfs -o size=$((size * 8 / 5))k tmpfs disk 2> /dev/null || skip "filling a disk takes the right to mount"
trap 'umount "$TMP/disk"; rm -rf "$TMP"' EXIT
runs "${learn[@]}" -o whole.h5
for n in 1 2; do
  run=("$MPIEXEC" -n "$n" "${learn[@]}")
  rm -f disk/*
  # Room for one checkpoint, not for two.
  fails "disk/part.h5 (about " disk/part.h5 "${run[@]}" -weft_checkpoint_every 0.1 -o disk/part.h5
  grep -q "No space left on device; what was there before is untouched" err || fail "no reason: $(cat err)"
  runs "$WEFT" info disk/part.h5
  grep -q "checkpoint" out || fail "info: $(cat out)"
  # Resumed where there is more room; on the spot once there is.
  cp disk/part.h5 roomy.h5
  runs "${learn[@]}" -resume -o roomy.h5
  [ $n -gt 1 ] || same whole.h5 roomy.h5
  # Room for nothing.
  head -c $((size * 1024)) /dev/zero 2> /dev/null > disk/filler
  fails "disk/new.h5 (about " disk/new.h5 "${run[@]}" -o disk/new.h5
  [ ! -e disk/new.h5 ] || fail "left disk/new.h5"
done

# A disk that others fill all the time: every write succeeds or fails as above, and never is a checkpoint lost.
rm -f disk/*
cp kept.h5 disk/part.h5
touch filling # also ends the filling where the test is ended and its folder goes
while [ -e filling ]; do
  head -c $((size * 2048)) /dev/zero > disk/filler
  rm -f disk/filler
done 2> /dev/null &
filler=$!
for n in 1 2; do
  timeout 60 "$MPIEXEC" -n "$n" "${learn[@]}" -resume -weft_checkpoint_every 0.05 -o disk/part.h5 > out 2> err
  status=$?
  [ $status -eq 0 ] || [ $status -eq 2 ] || fail "status $status on a contested disk: $(cat err)"
  [ $status -eq 0 ] || [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || fail "not one line of error: $(cat err)"
  runs "$WEFT" info disk/part.h5
done
rm filling
wait $filler
rm -f disk/filler
umount disk && mount -t tmpfs -o size=$((size * 4))k tmpfs disk

# A disk that may only be read: the checkpoint there stands.
cp kept.h5 disk/part.h5
mount -o remount,ro disk
for n in 1 2; do
  fails "disk/part.h5 (about " disk/part.h5 "$MPIEXEC" -n "$n" "${learn[@]}" -resume -weft_checkpoint_every 0.1 -o disk/part.h5
  grep -q "Read-only file system; what was there before is untouched" err || fail "no reason: $(cat err)"
  fails "-o disk/new.h5: its folder: Read-only file system" disk/new.h5 "$MPIEXEC" -n "$n" "${learn[@]}" -o disk/new.h5
  cmp -s disk/part.h5 kept.h5 || fail "the checkpoint was touched"
done
mount -o remount,rw disk

# A file system that promises room and has none: one without the means to reserve it.
cat > shim.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
int posix_fallocate(int fd, off_t offset, off_t length)
{
  int (*real)(int, off_t, off_t) = (int (*)(int, off_t, off_t))dlsym(RTLD_NEXT, "posix_fallocate");
  char link[64], path[4096] = "";
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  return readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, ".partial") ? 0 : real(fd, offset, length);
}
C
if ! cc -shared -fPIC -o shim.so shim.c -ldl 2> /dev/null; then
  echo "not tested: a file system that promises too much (no compiler)"
  finish
  exit
fi
for share in 1 2 3; do
  rm -f disk/*
  cp kept.h5 disk/part.h5
  head -c $((size * 1024 * (12 - share) / 4)) /dev/zero > disk/filler
  fails "No space left on device; what was there before is untouched" disk/part.h5 \
    env LD_PRELOAD="$TMP/shim.so" "${learn[@]}" -resume -weft_checkpoint_every 0.1 -o disk/part.h5
  cmp -s disk/part.h5 kept.h5 || fail "the checkpoint was touched"
done
finish
