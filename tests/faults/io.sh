#!/usr/bin/env bash
# tests/faults/io.sh [-reads] [-fast] [-every N] [-verbs "learn train"] [-ranks "1 2"] [-errors "ENOSPC EIO ..."] [-call N]
# Every call by which a checkpoint is written (open, write, make room, flush, close, rename, ...) or its lock taken fails
# once with every error, on every rank: the run must end with status 2 and one line, or go on where the call did not
# matter; what was there before must stand, and no temporary file stay. Errors: ENOSPC, EIO, EDQUOT, EROFS, EACCES;
# "short": a write takes half of what it should, without an error; "late": a write is lost, and the next flush or close
# says so; "full": ENOSPC from that call on.
# -reads: instead, every call by which the checkpoint, the structure or the data are opened and read on -resume. Errors:
# EIO; "short": a read brings half of what it should; "flip": a bit in the middle of what it brings is another. The run must
# end with status 2 and one line that names the file, and the checkpoint be the same byte for byte; or with the same result.
# -every N: an error meets every Nth call alone, and the next error others: with N = 5 every call meets one or two.
# -fast: the first and the last call of each function and file on each rank, with one error each. -call N: that call alone.
# Prints a table; status 1 if anything was lost. WEFT, WEFT_FAULTS and MPIEXEC say where program, libfaults.so and
# mpiexec are (ctest does).
set -u
WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
WEFT=${WEFT:-$WEFT_SOURCE/build/weft}
WEFT_FAULTS=${WEFT_FAULTS:-$WEFT_SOURCE/build/tests/libfaults.so}
MPIEXEC=${MPIEXEC:-mpiexec}
fast=
reads=
call_given=
every=1
verbs="learn train"
ranks="1 2"
errors=
while [ $# -gt 0 ]; do
  case $1 in
    -fast) fast=1; shift; continue ;;
    -reads) reads=1; shift; continue ;;
    -call) [ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }; call_given=$2; shift 2; continue ;;
    -every | -verbs | -ranks | -errors) [ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; } ;;
    *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
  esac
  printf -v "${1#-}" %s "$2"
  shift 2
done
. "$WEFT_SOURCE/tests/lib/cli.sh"
written=.partial:.lock:$TMP/to
paths=$written
[ -z "$reads" ] || paths=to/run.h5:structure.h5:data.h5
[ -n "$errors" ] || errors=${reads:+EIO short flip}
[ -n "$errors" ] || errors="ENOSPC EIO EDQUOT EROFS EACCES short late full"
[ -e "$WEFT_FAULTS" ] || skip "no $WEFT_FAULTS"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:verify_asan_link_order=0}
declare -A number=([ENOSPC]=28 [EIO]=5 [EDQUOT]=122 [EROFS]=30 [EACCES]=13 [short]= [flip]= [late]=5 [full]=28)
same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@"; }

# with FAULT... : the command of this verb and rank count under these settings of libfaults.so.
with() { timeout -k 5 30 "${launch[@]}" env WEFT_WRITE_PATIENCE=2 WEFT_FAULT_PATHS="$paths" "$@" LD_PRELOAD="$WEFT_FAULTS" "${run[@]}" < /dev/null; }

wrong() {
  fail "$verb, $n ranks, rank $rank, call $call ($function of $(basename "$path")), $error: $*"
  lost=$((lost + 1))
}

# What is there now: the checkpoint as it was, or a newer one that goes on to the same end.
intact() {
  cmp -s kept.h5 to/run.h5 && return
  [ -e to/run.h5 ] || { wrong "the checkpoint is gone"; return; }
  cp to/run.h5 newer.h5
  [ $verb = train ] || runs "$WEFT" info to/run.h5
  runs "${launch[@]}" "${run[@]}" < /dev/null
  "$PYTHON" "$WEFT_SOURCE/tests/faults/killed.py" 2 "$error" "$function" kept.h5 newer.h5 to/run.h5 whole.h5 err out \
    > found 2> why || wrong "$(tail -1 why)"
  same whole.h5 to/run.h5 || wrong "not what an undisturbed run gives"
}

# After a read that failed and status 2: one line that names the file, and the checkpoint untouched.
untouched() {
  [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || wrong "not one line of error: $(cat err)"
  grep '^weft: error: ' err | grep -qF "$(basename "$path")" || wrong "names another file: $(grep '^weft: error: ' err)"
  cmp -s kept.h5 to/run.h5 || wrong "the checkpoint is $([ -e to/run.h5 ] && echo another || echo gone)"
}

# try: one call of one rank fails with one error.
try() {
  local how=() status lines
  [ "$error" != full ] || how=(WEFT_FAULT_LASTING=1)
  [ "$error" != late ] || how=(WEFT_FAULT_LATE=1)
  [ "$error" != flip ] || how=(WEFT_FAULT_FLIP=1)
  rm -f to/* log
  cp kept.h5 to/run.h5
  with WEFT_FAULT_CALL="$call" WEFT_FAULT_RANK="$rank" WEFT_FAULT_ERRNO="${number[$error]}" WEFT_FAULT_LOG="$TMP/log" \
    "${how[@]}" > out 2> err
  status=$?
  grep -q failed log 2> /dev/null || { missed=$((missed + 1)); return; }
  injected=$((injected + 1))
  case $status in
    0) went_on=$((went_on + 1))
      [ "$error" != late ] || runs "$WEFT" info to/run.h5 -verify
      same whole.h5 to/run.h5 || wrong "went on and wrote something else" ;;
    2) refused=$((refused + 1))
      [ -z "$reads" ] || { untouched; return; }
      lines=$(grep -c '^weft: error: cannot \(write\|create\) .*run.h5' err)
      [ "$lines" -eq 1 ] && [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || wrong "not one line of error: $(cat err)"
      intact ;;
    124 | 137) wrong "hangs" ;;
    *) wrong "status $status: $(cat err)" ;;
  esac
  [ -z "$(ls to | grep -vx -e run.h5 -e run.h5.lock)" ] || wrong "left $(ls to)"
}

# calls: of all ranks, in a run in which none fails: rank, number, function, ok, path.
calls() {
  rm -f to/* log
  cp kept.h5 to/run.h5
  with WEFT_FAULT_LOG="$TMP/log" > out 2> err || { cat err >&2; exit 1; }
  same whole.h5 to/run.h5 || exit 1
  sort -n -k1,1 -k2,2 log
}

# chosen: of those, where -fast is given, the first and the last of each function of a rank on a file.
chosen() {
  [ -n "$fast" ] || { cat; return; }
  awk '{key = $1 " " $3 " " $5; if (!(key in last)) print; else kept[key] = $0; last[key] = $0} END {for (key in kept) print kept[key]}' |
    sort -n -k1,1 -k2,2
}

# fits: can this function meet this error? EACCES of a lock says that another process has it.
fits() {
  case $error in
    short) [[ $function == *write* || ( -n $reads && $function == *read* ) ]] ;;
    flip) [[ $function == *read* ]] ;;
    late) [[ $function == *write* ]] ;;
    EACCES) [[ $function != fcntl* && $function != flock ]] ;;
  esac
}

# campaign: all of a verb and a rank count; kept.h5 is the checkpoint that it goes on from.
campaign() {
  local seen kinds=() i=0 e
  read -ra kinds <<< "$errors"
  injected=0 refused=0 went_on=0 missed=0 lost=0
  calls > seen.txt
  seen=$(wc -l < seen.txt)
  while read -r rank call function _ path; do
    [ "${call_given:-$call}" = "$call" ] || continue
    for e in "${!kinds[@]}"; do
      error=${kinds[e]}
      fits || continue
      [ -z "$fast" ] || [ "$e" -eq $((i % ${#kinds[@]})) ] || continue
      [ $(((i + e) % every)) -eq 0 ] || continue
      try
    done
    i=$((i + 1))
  done < <(chosen < seen.txt)
  [ $injected -gt 0 ] || fail "$verb, $n ranks: no call failed"
  printf '%-6s %5d %6d %9d %8d %8d %11d %5d\n' "$verb" "$n" "$seen" "$injected" "$refused" "$went_on" "$missed" "$lost" >> "$TMP/table"
}

mkdir to
runs "$WEFT" synth -o data.h5 -samples 120 -test_samples 20 -size 8
runs "$WEFT" learn -data data.h5 -o structure.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 40 -weft_iterations 6 -weft_sparsity 0.1
declare -A command=(
  [learn]="learn -data data.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 40 -weft_iterations 6 -weft_sparsity 0.1"
  [train]="train -data data.h5 -structure structure.h5 -weft_train_epochs 12 -weft_train_batch_size 60")
[ "$failures" -eq 0 ] || exit 1

# The checkpoint to go on from is the last one of a run whose last write, that of the whole file, fails.
for verb in $verbs; do
  for n in $ranks; do
    launch=()
    [ "$n" -eq 1 ] || launch=("$MPIEXEC" -n "$n")
    read -ra words <<< "${command[$verb]}"
    run=("$WEFT" "${words[@]}" -resume -weft_checkpoint_every 0 -o to/run.h5)
    rm -f to/* log
    paths=$written with WEFT_FAULT_LOG="$TMP/log" > out 2> err || { cat err >&2; exit 1; }
    mv to/run.h5 whole.h5
    renames=$(grep -n rename log | tail -2 | head -1 | cut -d' ' -f2)
    paths=$written with WEFT_FAULT_CALL="$renames" WEFT_FAULT_RANK=0 WEFT_FAULT_ERRNO=5 > out 2> err
    [ $? -eq 2 ] || { echo "a rename failed, and $verb went on: $(cat err)" >&2; exit 1; }
    [ -e to/run.h5 ] || { echo "no checkpoint to begin with: $(cat err)" >&2; exit 1; }
    mv to/run.h5 kept.h5
    campaign
  done
done
echo "verb   ranks  calls  injected  refused  went on  not reached  lost"
cat "$TMP/table"
finish
