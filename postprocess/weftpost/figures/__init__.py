"""One module per figure; each has draw(run, ...) -> matplotlib Figure."""
