"""Trains a PyTorch model as `weft train` trains: Adam, warm-up, cosine, one test after each epoch."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .data import TEST, TRAIN

TESTED = 1000  # samples at a time


@dataclass(frozen=True)
class Recipe:
    epochs: int = 8
    batch: int = 120
    rate: float = 2e-3
    warmup: float = 0.3  # epochs over which the rate rises
    weight_decay: float = 0.0
    label_smoothing: float = 0.0

    def rate_at(self, step: int, per_epoch: int) -> float:
        """Rises in a line, then falls along half a cosine."""
        steps = self.epochs * per_epoch
        rising = min(self.warmup * per_epoch, steps)
        if step < rising:
            return self.rate * (step + 1) / (rising + 1)
        return 0.5 * self.rate * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def recipe_of(options: argparse.Namespace) -> Recipe:
    names = (f.name for f in fields(Recipe))
    return Recipe(**{name: getattr(options, name) for name in names if hasattr(options, name)})


@dataclass
class Samples:
    """A split as a model takes it."""

    x: torch.Tensor
    y: torch.Tensor


@dataclass
class History:
    """One entry per epoch; result.py says what each is."""

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


def fit(
    model: nn.Module,
    samples: dict[str, Samples],
    recipe: Recipe,
    seed: int,
    progress: Callable[[dict[str, list[float]]], None],
) -> History:
    """The model's own start is the caller's; batches and dropout are drawn from the seed."""
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    optimizer = _optimizer(model, recipe)
    history = History()
    wall = cpu = 0.0
    for epoch in range(recipe.epochs):
        started = time.perf_counter(), time.process_time()
        loss, accuracy = _epoch(model, samples[TRAIN], recipe, epoch, optimizer, order)
        wall += time.perf_counter() - started[0]
        cpu += time.process_time() - started[1]
        history.train_loss.append(loss)
        history.train_accuracy.append(accuracy)
        history.test_accuracy.append(accuracy_of(model, samples[TEST]))
        history.seconds.append(wall)
        history.cpu_seconds.append(cpu)
        progress(vars(history))
    return history


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay holds weights (two axes and more), not offsets and scales."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others}]
    return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=0.0)


def _epoch(
    model: nn.Module,
    train: Samples,
    recipe: Recipe,
    epoch: int,
    optimizer: torch.optim.Optimizer,
    order: torch.Generator,
) -> tuple[float, float]:
    """Mean loss and accuracy over the epoch's batches, as they were met."""
    model.train()
    count = len(train.x)
    per_epoch = math.ceil(count / recipe.batch)
    loss_sum = right = 0.0
    for number, rows in enumerate(torch.randperm(count, generator=order).split(recipe.batch)):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(epoch * per_epoch + number, per_epoch)
        logits, labels = model(train.x[rows]), train.y[rows]
        loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += float(loss.detach()) * len(rows)
        right += float((logits.argmax(1) == labels).sum())
    return loss_sum / count, right / count


def logits_of(model: nn.Module, x: torch.Tensor) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        return torch.cat([model(rows) for rows in x.split(TESTED)]).numpy()


def accuracy_of(model: nn.Module, samples: Samples) -> float:
    return float((logits_of(model, samples.x).argmax(1) == samples.y.numpy()).mean())
