# A few kills, most of them while a checkpoint is written: nothing is lost. Hundreds: tests/faults/kills.sh -n 200.
bash "$WEFT_SOURCE/tests/faults/kills.sh" -n 8 || exit

# That it can fail: by a program that loses its checkpoint at every start that should go on from it.
. "$WEFT_SOURCE/tests/lib/cli.sh"
cat > lossy << EOF
#!/bin/sh
case "\$*" in *-resume*) rm -f to/run.h5 ;; esac
exec "$WEFT" "\$@"
EOF
chmod +x lossy
WEFT=$TMP/lossy bash "$WEFT_SOURCE/tests/faults/kills.sh" -n 1 -kill "learn1 2 KILL all 5" > out 2> err
status=$?
[ $status -eq 1 ] && grep -q '^FAIL: kill 1 (learn1 2 KILL all 5.*go on from there' err ||
  fail "a checkpoint is lost, and the campaign ends with status $status: $(cat out err)"
finish
