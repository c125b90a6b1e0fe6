# For tests on a real Slurm; source it after cli.sh. Starts a cluster of two nodes (tests/slurm/cluster.sh) that ends with
# the test, and a site file for it: 2 nodes of 2 ranks. Skips the test where no cluster can run.
cluster() { "$WEFT_SOURCE/tests/slurm/cluster.sh" "$@"; }

ended() { # the log of each job that there was, if the test failed
  [ "$failures" -eq 0 ] || tail -n 40 "$TMP"/*-[0-9]*.log "$TMP"/slurm-*.out >&2 2> /dev/null
  cluster stop "$TMP/cluster"
  rm -rf "$TMP"
}
trap ended EXIT
cluster start "$TMP/cluster" --for $$ 2> err || {
  [ $? -ne 77 ] || skip "$(cat err)"
  cat err >&2
  exit 1
}
eval "$(cluster env "$TMP/cluster")"
# Cores are shared with other tests: nothing here may depend on which one a rank gets.
printf '%s\n' weft_nodes=2 weft_ranks_per_node=2 weft_time=10 weft_memory=1200 > site.sh
export WEFT_SITE=$TMP/site.sh

site() { printf '%s\n' "$@" >> site.sh; }

# submits ARGUMENT...: of submit.sh; sets job and log.
submits() {
  runs "$WEFT_SOURCE/jobs/submit.sh" "$@"
  job=$(sed -n 's/^job \([0-9]*\): .*/\1/p' out)
  log=$(sed -n 's/^  log  *//p' out)
  [ -n "$job" ] || { fail "nothing was submitted: $(cat out err)"; exit 1; }
}

field() { scontrol -o show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }

# waits SECONDS COMMAND...: until it succeeds; the test ends if it does not.
waits() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || { fail "waited in vain for: $*"; squeue; exit 1; }
    sleep 0.1
  done
}

in_state() { [[ $(field "$1" JobState) =~ ^($2)$ ]]; }
over() { in_state "$1" 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|PREEMPTED'; }

# is_over JOB STATE EXIT RESTARTS
is_over() {
  waits 120 over "$1"
  local found
  found="$(field "$1" JobState) $(field "$1" ExitCode) $(field "$1" Restarts)"
  [ "$found" = "$2 $3:0 $4" ] || fail "job $1 ended as $found, not $2 $3:0 $4"
}

# written FILE: since the last mark.
mark() { touch marker; }
written() { [ "$1" -nt marker ]; }

# restarted JOB N: it runs again, for the Nth time. The cluster lets a job wait for 6 seconds before it does; to start it
# sooner by scontrol update StartTime=now is a race with the nodes, which take it for the one that ended.
restarted() { [ "$(field "$1" JobState) $(field "$1" Restarts)" = "RUNNING $2" ]; }

same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" || fail "differ: $*"; }
says() { grep -qF -- "$1" "$2" || fail "$2 does not say \"$1\": $(tail -n 20 "$2")"; }
