"""Learned networks for PyTorch and ONNX: `python3 -m weftpost export FILE`.

PyTorch is imported in `parts` and `torchfile` alone and onnx in `graph` and `onnxfile`, so that all
else works without.
"""
