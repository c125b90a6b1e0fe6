# A few kills, some of them while a checkpoint is written: nothing is lost. Hundreds: tests/faults/kills.sh -n 200.
exec bash "$WEFT_SOURCE/tests/faults/kills.sh" -n 8
