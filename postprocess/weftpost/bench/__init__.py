"""`weft bench coder` beside scikit-learn on the same samples, dictionary and weight."""
