"""Figures and numbers from a Weft run file: `python3 -m weftpost --help`."""
