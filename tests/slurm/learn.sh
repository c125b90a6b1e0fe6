# Jobs by submit.sh on two nodes: learning gives what it gives here, with either launcher; the other verbs run too.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/slurm.sh"

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 100 -size 8
learn=(learn -data data.h5 -weft_layers 1 -weft_atoms 64 -weft_batch_size 100 -weft_iterations 60)
runs "$MPIEXEC" -n 4 "$WEFT" "${learn[@]}" -o here.h5

submits "${learn[@]}" -o run.h5
is_over "$job" COMPLETED 0 0
same here.h5 run.h5
[ "$log" = "$PWD/run-$job.log" ] || fail "the log is $log"
says "written: run.h5" "$log"
[ "$(field "$job" NumNodes) $(field "$job" NumTasks)" = "2 4" ] || fail "not two nodes of two ranks"

# From here on by mpirun; and what follows the run is submitted before there is one.
site weft_launcher=mpirun
submits --sbatch --hold "${learn[@]}" -o mpirun.h5
second=$job
one=(--nodes 1 --ranks-per-node 1 --memory 500 --dependency "afterok:$second")
submits "${one[@]}" train -structure mpirun.h5 -data data.h5 -o net.h5 -weft_train_epochs 1
train=$job
submits "${one[@]}" encode -structure mpirun.h5 -data data.h5 -o features.h5
encode=$job
submits "${one[@]}" --name rates bench io -samples 200 -inputs 30 -weft_atoms 32 -repeats 3 -json rates.json
bench=$job
waits 10 eval '[ "$(field "$train" Reason)" = Dependency ]'
scontrol release "$second"
for job in "$second" "$train" "$encode" "$bench"; do is_over "$job" COMPLETED 0 0; done
same here.h5 mpirun.h5
says "written: net.h5" "net-$train.log"
runs "$WEFT" encode -structure mpirun.h5 -data data.h5 -o encoded.h5
h5diff encoded.h5 features.h5 /train/features || fail "features differ"
[ "$(field "$bench" JobName)" = rates ] && [ -s rates.json ] && [ -e "rates-$bench.log" ] || fail "bench: $(ls)"

# From where it is installed, by a link, with a module; in a folder whose name has a space and what Slurm takes for the
# job's number, and with a value that a shell would take apart.
mkdir -p prefix/bin prefix/share/weft/jobs "9%j off"
cp "$WEFT_SOURCE"/jobs/*.sh prefix/share/weft/jobs
ln -s "$WEFT" prefix/bin/weft
ln -s ../share/weft/jobs/submit.sh prefix/bin/weft-submit
if [ -r /etc/profile.d/modules.sh ]; then
  mkdir modules
  printf '%s\n' '#%Module1.0' 'puts stderr "the module is loaded"' > modules/probe
  export MODULEPATH=$PWD/modules
  site 'weft_modules=(probe)'
fi
name='a $(touch broken) b.h5'
(cd "9%j off" && env -u WEFT ../prefix/bin/weft-submit --nodes 1 encode -structure ../run.h5 -data ../data.h5 -o "$name") > out ||
  fail "installed: $(cat out)"
job=$(sed -n 's/^job \([0-9]*\): .*/\1/p' out)
is_over "$job" COMPLETED 0 0
[ -e "9%j off/$name" ] && [ -e "9%j off/${name%.h5}-$job.log" ] || fail "installed: $(ls "9%j off")"
[ ! -d modules ] || says "the module is loaded" "9%j off/${name%.h5}-$job.log"
[ ! -e "9%j off/broken" ] || fail "a value went through a shell"
finish
