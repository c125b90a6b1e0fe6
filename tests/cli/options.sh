# Mistakes in options, on the line and in the file: status 2, one line that names the option, no file left behind.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
small=(-weft_atoms 16 -weft_batch_size 100 -weft_iterations 4)
learn() { refuses_alone "$1" "$WEFT" learn -data data.h5 -o new.h5 "${small[@]}" "${@:2}"; }

learn "-weft_atoms 18 is not a multiple of -weft_group_size 4" -weft_atoms 18
learn "-weft_atom: unknown option; did you mean -weft_atoms?" -weft_atom 8
learn "-weft_coder_typ: unknown option; did you mean -weft_coder_type?" --weft_coder_typ bcd
learn "-completely_foreign_name: unknown option" -completely_foreign_name
learn "what is this word?" stray
learn "-weft_atoms many: a whole number from 1" -weft_atoms many
learn "-weft_atoms 16.5: a whole number" -weft_atoms 16.5
learn "-weft_atoms 0: a whole number" -weft_atoms 0
learn "-weft_atoms -4: a whole number" -weft_atoms -4
learn "-weft_atoms : a whole number" -weft_atoms
learn "-weft_iterations 99999999999999999999: a whole number" -weft_iterations 99999999999999999999
learn "-weft_sparsity big: a number from" -weft_sparsity big
learn "-weft_sparsity nan: a number from" -weft_sparsity nan
learn "-weft_freeze_fraction 1.5: a number from 0 to 1" -weft_freeze_fraction 1.5
learn "-weft_target_density inf: a number from 0 to 1" -weft_target_density inf
learn "-weft_epochs -1: a number" -weft_epochs -1
learn "-seed -1: a whole number" -seed -1
learn "-weft_precision half: one of single|double" -weft_precision half
learn "-weft_coder_type sgd: no such coder (bcd, fista, admm)" -weft_coder_type sgd
learn "-weft_coder_rtol 0: a number from" -weft_coder_rtol 0
learn "-weft_whitening_ridge -1: a number from" -weft_whitening_ridge -1
learn "-weft_dict_max_iterations 0: a whole number" -weft_dict_max_iterations 0
learn "-resume maybe: nothing, true or false is wanted" -resume maybe
refuses "-weft_atom: unknown option" "$MPIEXEC" -n 3 "$WEFT" learn -data data.h5 -o new.h5 -weft_atom 8
refuses_alone "unknown verb lern" "$WEFT" lern -data data.h5 -o new.h5

# For one layer.
learn "-layer1_weft_atms: unknown option; did you mean -weft_atoms?" -layer1_weft_atms 8
learn "-layer1_data: unknown option" -layer1_data 8
learn "-layer1_weft_layers: unknown option; did you mean -weft_layers?" -layer1_weft_layers 8
learn "-layer16_weft_atoms: unknown option" -layer16_weft_atoms 8
learn "-layer_weft_atoms: unknown option" -layer_weft_atoms 8
learn "-layer1_weft_atoms many: a whole number from 1" -weft_layers 2 -layer1_weft_atoms many
learn "-layer1_weft_sparsity nan: a number from" -weft_layers 2 -layer1_weft_sparsity nan
learn "-layer1_weft_precision: all layers have one precision" -weft_layers 2 -layer1_weft_precision double
learn "-layer3_...: there is no layer 3; give -weft_layers 4" -weft_layers 2 -layer3_weft_atoms 8
learn "-weft_layers 17: a whole number from 1 to 16" -weft_layers 17
printf 'weft_layers: 2\nlayer1:\n  weft_atoms: 8\n' > deep.yaml
runs "$WEFT" learn -data data.h5 -o deep.h5 "${small[@]}" -options_file deep.yaml -weft_depth_min_gain -1e6
"$PYTHON" -c "
import h5py
f = h5py.File('deep.h5')
assert f['layers/0/dictionary'].shape == (64, 16) and f['layers/1/dictionary'].shape == (4, 8)
assert 'layer1_weft_atoms: 8' in f['options'][()].decode().splitlines()" || fail "layer1_weft_atoms in a file"

# The file of options.
printf 'weft_atoms: 16\nweft_iteration: 4\n' > misspelt.yaml
printf 'weft:\n  target:\n    densty: 0.1\n' > nested.yaml
printf 'weft_atoms: [1, 2\nweft_iterations: 4\n' > broken.yaml
printf 'weft_atoms: 16\n\tweft_iterations: 4\n' > tab.yaml
printf -- '- weft_atoms: 16\n- weft_iterations: 4\n' > list.yaml
printf 'weft_atoms: sixteen\n' > number.yaml
head -c 300 /dev/urandom > noise.yaml
learn "-weft_iteration: unknown option; did you mean -weft_iterations?" -options_file misspelt.yaml
learn "-weft_target_densty: unknown option; did you mean -weft_target_density?" -options_file nested.yaml
learn "-options_file missing.yaml: no such file" -options_file missing.yaml
learn "-options_file broken.yaml: " -options_file broken.yaml
learn "-options_file tab.yaml: " -options_file tab.yaml
learn "-options_file list.yaml: " -options_file list.yaml
learn "-options_file noise.yaml: " -options_file noise.yaml
learn "-options_file .: " -options_file .
learn "-options_file FILE: a file is needed" -options_file
refuses_alone "-weft_atoms sixteen: a whole number" "$WEFT" learn -data data.h5 -o new.h5 -options_file number.yaml
refuses "-options_file broken.yaml: " "$MPIEXEC" -n 2 "$WEFT" learn -data data.h5 -o new.h5 -options_file broken.yaml
refuses "-options_file missing.yaml: " "$MPIEXEC" -n 2 "$WEFT" learn -data data.h5 -o new.h5 -options_file missing.yaml

# PETSc would answer with a trace, to options of its own that stand wrong and to those that make it read more of them.
printf 'help: what\n' > help.yaml
learn "help.yaml: an option of PETSc's is wrong: Unknown logical value: what" -options_file help.yaml
for word in -Options_file -options_file_yaml -options_string_yaml -prefix_push -prefix_pop -history -python; do
  refuses_alone "not an option here, -options_file FILE reads a file of options: $word" \
    "$WEFT" learn -data data.h5 -o new.h5 $word x
done
for words in "-malloc_debug what" "-log_trace /no/where" "-info /no/where" "-default_device_type what"; do
  refuses_alone "PETSc does not start, one of its options is wrong: " "$WEFT" learn -data data.h5 -o new.h5 $words
done
refuses "PETSc does not start, " "$MPIEXEC" -n 2 "$WEFT" learn -data data.h5 -o new.h5 -malloc_debug what

# Flags take a value where one is given.
runs "$WEFT" learn -data data.h5 -o flag.h5 "${small[@]}" -resume false
refuses_alone "-o flag.h5: exists already" "$WEFT" learn -data data.h5 -o flag.h5 "${small[@]}" -resume no
runs "$WEFT" learn -data data.h5 -o flag.h5 "${small[@]}" -resume true
finish
