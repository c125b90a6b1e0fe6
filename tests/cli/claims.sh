# jobs/claims.sh on tiny structures: all claims told, a second run does nothing again, mistakes are one line.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o pictures.h5 -samples 3000 -test_samples 200 -size 16
mkdir small
for kind in dense exemplars; do echo "$kind atoms=16 start=$kind iterations=0 group_size=2 batch_size=200"; done > small/information.txt
echo "learned atoms=16 start=exemplars iterations=3 group_size=2 batch_size=200" >> small/information.txt
learn=$'weft_atoms: 16\nweft_group_size: 2\nweft_batch_size: 200\nweft_iterations: 3'
for file in depth learned shared; do echo "$learn" > small/$file.yaml; done
printf 'weft_layers: 1\nweft_share: 2\nweft_share_window: 15\nweft_depth_min_gain: -1\n' >> small/shared.yaml
printf 'weft_layers: 4\nweft_depth_min_gain: -1\n' >> small/depth.yaml
for file in train train-shared; do printf 'weft_train_epochs: 2\nweft_train_hidden: 8\n' > small/$file.yaml; done

claims() { PYTHON=$PYTHON "$WEFT_SOURCE/jobs/claims.sh" -o all --seeds 1 --inputs small --data pictures.h5; }
runs claims
grep -q 'claims: \[[0-9]*/[0-9]*\] pictures/depth/layers4-seed1.net: .* min left' err || fail "progress: $(cat err)"
for words in 'ρ(bits, accuracy), all widths' 'bits, learned, 16 atoms' 'spread over shuffled' 'within groups' \
  'shift of 2 pixels, over deviation, pooled' 'accuracy, 4 layers' 'layers that the rule keeps' 'accuracy, random-mask'; do
  grep -qF "$words" all/claims.csv || fail "the table has no row: $words"
done
grep -q 'files are missing' all/claims.md && fail "files are missing: $(cat err)"
for picture in information learning shifts depth accuracy; do
  [ -s all/claims-$picture.png ] || fail "no picture of $picture"
done
before=$(find all -name '*.h5' -path '*seed1*' -newer small/train.yaml -exec stat -c '%n %Y' {} + | sort)
runs claims
[ "$before" = "$(find all -name '*.h5' -path '*seed1*' -exec stat -c '%n %Y' {} + | sort)" ] || fail "done a second time"
grep -q 'steps are done already' err || fail "does not say what is done: $(cat err)"

for words in "--data nothing.h5" "--seeds 0" "--inputs nowhere"; do
  # shellcheck disable=SC2086  # two words
  "$WEFT_SOURCE/jobs/claims.sh" -o other --data pictures.h5 $words > out 2> err
  [ $? -eq 2 ] && [ "$(wc -l < err)" -eq 1 ] || fail "$words: $(cat err)"
done
WEFT_DATA='' "$WEFT_SOURCE/jobs/claims.sh" -o other > out 2> err
[ $? -eq 2 ] && grep -q WEFT_DATA err || fail "no data: $(cat err)"
finish
