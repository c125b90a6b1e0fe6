"""Weft's networks in PyTorch.

What `export` writes is made of these files' text, so they import nothing but PyTorch.
"""
