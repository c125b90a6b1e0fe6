"""Networks trained in PyTorch: the experts' CNN, and Weft's own network a second time.

PyTorch is imported in `cnn`, `network`, `train` and `logits` alone, so that all else works without it.
"""
