"""Sizes and colours that all figures share."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap

WIDTH = 1600  # pixels
DPI = 100

# Okabe and Ito's palette: told apart with any common colour blindness.
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
INK = "#222222"
FAINT = "#6b6b6b"


def apply() -> None:
    """Starts from matplotlib's defaults, so that a user's own settings change no figure."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(
        {
            "font.size": 11,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": FAINT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
        }
    )


def strength_map() -> ListedColormap:
    """Weak to strong, light to dark; its lightest colour still stands off the white of a zero."""
    return ListedColormap(matplotlib.colormaps["YlGnBu"](np.linspace(0.25, 1.0, 256)))
