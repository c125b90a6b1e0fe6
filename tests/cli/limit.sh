# A file-size limit that is reached: status 2, one line, nothing lost.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/room.sh"

# A limit under a checkpoint's size. MPI's own files must be under it too, or it would not start.
export PMIX_MCA_gds=hash OMPI_MCA_btl=self,tcp
limited=(bash -c 'ulimit -f "$0" && exec "$@"' $((size / 2)))
if "${limited[@]}" "$WEFT" info part.h5 > out 2> err; then
  for n in 1 2; do
    fails "part.h5 (about " part.h5 "$MPIEXEC" -n "$n" "${limited[@]}" "${learn[@]}" -resume -weft_checkpoint_every 0.1 -o part.h5
    grep -q "File too large; what was there before is untouched" err || fail "no reason: $(cat err)"
    cmp -s part.h5 kept.h5 || fail "the checkpoint was touched"
    fails "new.h5 (about " new.h5 "$MPIEXEC" -n "$n" "${limited[@]}" "${learn[@]}" -weft_checkpoint_every 0.1 -o new.h5
    [ ! -e new.h5 ] || fail "left new.h5"
  done
else
  skip "MPI does not start under a file-size limit"
fi

# What was there goes on where there is no limit.
unset PMIX_MCA_gds OMPI_MCA_btl
runs "${learn[@]}" -o whole.h5
runs "${learn[@]}" -resume -o part.h5
same whole.h5 part.h5
finish
