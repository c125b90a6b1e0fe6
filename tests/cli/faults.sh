# label: long
# A call by which a checkpoint is written, or a file read, fails: the first and the last of each function, on each rank.
# All of them with every error: tests/faults/io.sh.
bash "$WEFT_SOURCE/tests/faults/io.sh" -reads -fast -ranks 1 || exit
bash "$WEFT_SOURCE/tests/faults/io.sh" -fast -ranks 1 || exit
exec bash "$WEFT_SOURCE/tests/faults/io.sh" -fast -ranks 2 -verbs learn
