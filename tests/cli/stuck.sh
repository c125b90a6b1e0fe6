# A write that does not end is given up after WEFT_WRITE_PATIENCE seconds; time in which the processes were stopped, as a
# suspended job's are, or in which encode computes does not count. cores: 2
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

runs "$WEFT" synth -o data.h5 -samples 4100 -test_samples 0
learn=(learn -data data.h5 -weft_layers 1 -weft_atoms 512 -weft_batch_size 100 -weft_sparsity 0.05)
runs "$WEFT" "${learn[@]}" -weft_iterations 1 -o structure.h5
encode=(encode -structure structure.h5 -data data.h5 -codes_kind exact -weft_coder_type fista -weft_coder_rtol 1e-6
  -weft_precision double)
export WEFT_WRITE_PATIENCE=2

# halts FILE WHO: stops one or all of a launcher's children, pid, while they write FILE.partial; so many seconds later the
# others, if any, still wait for it.
halts() {
  local who i
  for ((i = 0; i < 2000; ++i)); do
    kill -0 $pid 2> /dev/null || break
    who=$(children $pid)
    [ "$2" = all ] || who=$(echo "$who" | tail -1)
    if [ -e "$1.partial" ] && kill -STOP $who; then
      sleep 0.5
      [ ! -e "$1.partial" ] || return 0
      kill -CONT $who
    fi
    sleep 0.02
  done 2> /dev/null
  fail "$1: never seen as it is written: $(cat err)"
}

for n in 1 2; do
  "$MPIEXEC" -n $n "$WEFT" "${encode[@]}" -o codes$n.h5 > out 2> err &
  pid=$!
  halts codes$n.h5 all
  sleep 4
  kill -CONT $(children $pid)
  wait $pid || fail "encode, $n ranks: status $? after a stop: $(cat err)"
  runs "$WEFT" info codes$n.h5 -verify

  "$MPIEXEC" -n $n "$WEFT" "${learn[@]}" -weft_iterations 100000 -weft_checkpoint_every 0 -o run$n.h5 > out 2> err &
  pid=$!
  until [ -e run$n.h5 ] || ! kill -0 $pid; do sleep 0.1; done
  halts run$n.h5 all
  sleep 4
  touch marker
  kill -CONT $(children $pid)
  until [ run$n.h5 -nt marker ] || ! kill -0 $pid 2> /dev/null; do sleep 0.1; done
  kill -TERM $(children $pid)
  wait $pid
  status=$?
  stopped run$n.h5
done

# One rank that does not answer is waited for in vain.
cp run2.h5 kept.h5
"$MPIEXEC" -n 2 "$WEFT" "${learn[@]}" -weft_iterations 100000 -weft_checkpoint_every 0 -o run2.h5 -resume > out 2> err &
pid=$!
touch marker
until [ run2.h5 -nt marker ] || ! kill -0 $pid; do sleep 0.1; done
halts run2.h5 one
rank=$(children $pid | tail -1)
for ((i = 0; i < 100; ++i)); do
  kill -0 $pid 2> /dev/null || break
  grep -q '^weft: error' err && kill -CONT "$rank" 2> /dev/null
  sleep 0.1
done
{ kill -CONT "$rank" || true; } 2> /dev/null
wait $pid
[ $? -eq 2 ] || fail "a rank that does not answer: not status 2"
grep -q '^weft: error: cannot write run2.h5: it takes more than 2 s, ' err || fail "does not say why: $(cat err)"
[ ! -e run2.h5.partial ] || fail "left run2.h5.partial"
complete run2.h5 0 || fail "run2.h5: not a checkpoint"

# Computing for longer than that is no wait.
export WEFT_WRITE_PATIENCE=1
runs "$WEFT" "${encode[@]}" -o slow.h5
finish
