# -check: accepts what a run accepts, refuses what it refuses, before any work, and writes nothing.
. "$WEFT_SOURCE/tests/lib/cli.sh"

# accepts WORDS COMMAND...: status 0, one line on stdout that holds WORDS, no new file.
accepts() {
  local words=$1
  shift
  ls > before
  runs "$@"
  ls > after
  diff before after > /dev/null || fail "wrote a file: $*: $(diff before after)"
  [ "$(wc -l < out)" -eq 1 ] || fail "not one line: $*: $(cat out)"
  grep -q "^options and files are in order: " out || fail "says otherwise: $*: $(cat out)"
  grep -qF -- "$words" out || fail "does not say \"$words\": $*: $(cat out)"
}
touch before after out err

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 100 -size 8
"$PYTHON" -c "
import h5py, numpy
numbers = numpy.random.default_rng(1).random((50, 30), dtype='f4')
h5py.File('plain.h5', 'w')['train/x'] = numbers
h5py.File('other.h5', 'w').update({'train/x': numbers, 'train/y': numpy.arange(50) % 3})"
learn=("$WEFT" learn -data data.h5 -weft_atoms 16 -weft_batch_size 100 -weft_iterations 4 -weft_layers 2)
train=("$WEFT" train -data data.h5 -structure run.h5)
encode=("$WEFT" encode -data data.h5 -structure run.h5)
logits=("$WEFT" encode -data data.h5 -network net.h5)
two=("$MPIEXEC" -n 2)

# A pipeline before any of it ran: learn reads the data file; what it will make need not be there for the others.
accepts "700 training and 100 test samples x 64 inputs, about " "${learn[@]}" -o run.h5 -check
accepts " MB on 1 rank" "${learn[@]}" -o run.h5 --check
accepts " MB on each of 2 ranks" "${two[@]}" "${learn[@]}" -o run.h5 -check
accepts "50 samples x 30 inputs" "$WEFT" learn -data plain.h5 -o run.h5 -check
accepts "run.h5 is not there yet" "${train[@]}" -o net.h5 -check
accepts "run.h5 is not there yet" "${two[@]}" "${train[@]}" -o net.h5 -check
accepts "run.h5 is not there yet" "${encode[@]}" -o new.h5 -check -layer 1 -codes_kind exact
accepts "net.h5 is not there yet" "${logits[@]}" -o new.h5 -check
printf 'layer1:\n  weft_coder_rtol: 1e-4\ncheck: true\n' > good.yaml
accepts "700 training" "${learn[@]}" -o run.h5 -options_file good.yaml

# What is wrong with options, those too that a run reads late; and with files.
learn() { refuses_alone "$1" "${learn[@]}" -o new.h5 -check "${@:2}"; }
train() { refuses_alone "$1" "${train[@]}" -o new.h5 -check "${@:2}"; }
encode() { refuses_alone "$1" "${encode[@]}" -o new.h5 -check "${@:2}"; }
learn "-weft_atom: unknown option; did you mean -weft_atoms?" -weft_atom 8
learn "-weft_atoms 18 is not a multiple" -weft_atoms 18
learn "-weft_coder_type sgd: no such coder" -weft_coder_type sgd
learn "-layer1_weft_coder_rtol 2: a number from" -layer1_weft_coder_rtol 2
learn "-layer1_weft_dict_max_iterations 0: a whole number" -layer1_weft_dict_max_iterations 0
learn "-weft_whitening_ridge -1: a number from" -weft_whitening_ridge -1
learn "-weft_start nowhere: one of" -weft_start nowhere
learn "-weft_target_density: it must not be 0" -weft_start sparse -weft_target_density 0
learn "-layer5_...: there is no layer 5" -layer5_weft_atoms 8
learn "-check maybe: nothing, true or false" -check maybe
learn "-data missing.h5: No such file" -data missing.h5
learn "-o no/such/run.h5: its folder" -o no/such/run.h5
learn "-o data.h5: exists already" -o data.h5
train "-weft_train_rule magic: there is no such rule" -weft_train_rule magic
train "-weft_train_rule ridge reads the learned structure" -weft_train_rule ridge -structure_kind dense
train "-weft_readout_decay x: a number" -weft_train_rule softmax -weft_readout_decay x
train "-weft_readout_tao_gttol 3: a number" -weft_train_rule softmax -weft_readout_tao_gttol 3
train "-weft_readout_tao_type nls: one of" -weft_train_rule softmax -weft_readout_tao_type nls
train "-weft_train_epochs 0: a whole number" -weft_train_epochs 0
train "-data plain.h5: has no labels" -data plain.h5
train "-structure good.yaml: " -structure good.yaml
encode "-codes_kind most: one of" -codes_kind most
encode "-weft_coder_type sgd: no such coder" -codes_kind exact -weft_coder_type sgd
encode "-layer x: a whole number" -layer x
encode "-layer 99: no structure has more than 16 layers" -layer 99
encode "-data missing.h5: No such file" -data missing.h5
refuses "-weft_coder_type sgd: no such coder" "${two[@]}" "${learn[@]}" -o new.h5 -check -weft_coder_type sgd
refuses "-data plain.h5: has no labels" "${two[@]}" "${train[@]}" -o new.h5 -check -data plain.h5

# Once there is a structure, it is read: does it fit the data and the options?
runs "${learn[@]}" -o run.h5
accepts "700 training and 100 test samples x 64 inputs, about " "${train[@]}" -o net.h5 -check
accepts " MB on each of 2 ranks" "${two[@]}" "${train[@]}" -o net.h5 -check -weft_train_rule softmax
accepts ", 4 features of layer 0" "${encode[@]}" -o new.h5 -check -layer 0
train "-weft_train_layers 4: run.h5 has" -weft_train_layers 4
train "-data other.h5: " -data other.h5
encode "-data other.h5: " -data other.h5
encode "-layer 7: run.h5 has " -layer 7
runs "${train[@]}" -o net.h5 -weft_train_epochs 1
accepts ", logits of 10 classes" "${logits[@]}" -o new.h5 -check
refuses_alone "-data other.h5: " "${logits[@]}" -o new.h5 -check -data other.h5

# A checkpoint is not finished yet; -check is no option of the run that goes on from it.
. "$WEFT_SOURCE/tests/lib/stops.sh"
long=("$WEFT" learn -data data.h5 -o part.h5 -weft_layers 1 -weft_atoms 128 -weft_batch_size 100 -weft_iterations 1500)
stops TERM self part.h5 "${long[@]}" -weft_checkpoint_every 0 -check false
stopped part.h5
accepts "700 training" "${long[@]}" -resume -check
refuses_alone "-resume: part.h5 was begun with -seed 1, not 2" "${long[@]}" -resume -check -seed 2
complete part.h5 0 || fail "-check went on with the run"
accepts "part.h5 is not finished yet" "$WEFT" train -data data.h5 -structure part.h5 -o new.h5 -check
runs "${learn[@]}" -o run.h5 -resume -check
grep -q "run.h5 is complete: nothing to resume" out || fail "a complete run: $(cat out)"
refuses_alone "-resume: run.h5 was begun with -seed 1, not 2" "${learn[@]}" -o run.h5 -resume -check -seed 2
finish
