"""The experts' network: conv20 (5 x 5) - pool - conv50 (5 x 5) - pool - 256 - classes."""

from __future__ import annotations

import torch
from torch import nn

from ..errors import UserError
from .data import TEST, TRAIN, Data
from .train import Samples

MAPS = (20, 50)
KERNEL = 5
HIDDEN = 256
SMALLEST = 3 * KERNEL + 1  # a side of so many pixels leaves one after both pools


class Cnn(nn.Sequential):
    """Of pictures [n, channels, height, width]; 233,196 weights for 28 x 28 grey and 10 classes."""

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float) -> None:
        channels, *sides = shape
        # Each valid convolution takes KERNEL - 1 off a side, each pool halves it.
        rows, columns = (((side - KERNEL + 1) // 2 - KERNEL + 1) // 2 for side in sides)
        super().__init__(
            nn.Conv2d(channels, MAPS[0], KERNEL),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(MAPS[0], MAPS[1], KERNEL),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(MAPS[1] * rows * columns, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, classes),
        )


def prepare(data: Data, dropout: float, seed: int) -> tuple[Cnn, dict[str, Samples]]:
    """The network at its start, and the pictures less one mean, over one deviation, of all pixels."""
    pictures = {split: torch.from_numpy(data.pictures(split)) for split in (TRAIN, TEST)}
    mean, deviation = pictures[TRAIN].mean(), pictures[TRAIN].std()
    channels, height, width = pictures[TRAIN].shape[1:]
    if min(height, width) < SMALLEST:
        raise UserError(f"{data.path}: the CNN needs pictures of {SMALLEST} x {SMALLEST} at least")
    torch.manual_seed(seed)
    model = Cnn((channels, height, width), data.classes, dropout)
    samples = {
        split: Samples(_laid_out((x - mean) / deviation), torch.from_numpy(data.y[split]))
        for split, x in pictures.items()
    }
    return model.to(memory_format=torch.channels_last), samples


def _laid_out(pictures: torch.Tensor) -> torch.Tensor:
    """Channels last: a third less time on CPUs."""
    return pictures.contiguous(memory_format=torch.channels_last)


def count_weights(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
