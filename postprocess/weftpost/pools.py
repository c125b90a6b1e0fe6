"""How the atoms of a pool go together, beside atoms of different pools.

A pool answers with the norm of its atoms' responses, so atoms of one place, orientation and
frequency that differ in phase make it invariant to phase. Three figures of a pair tell whether they
do: the overlap of their envelopes |D_a|, the angle between their orientations, and their shift of
phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Picture
from .runfile import Layer

BLOCK = 512  # pairs at a time
MOST_PAIRS = 20_000  # of atoms of different groups, drawn at random
SEED = 0


@dataclass(frozen=True)
class Relations:
    """One entry for each pair of atoms. Angles in degrees; None where there is no picture."""

    envelope: np.ndarray  # cosine of |D_a| and |D_b|
    cosine: np.ndarray  # |cosine| of the atoms
    turn: np.ndarray | None  # between orientations, 0 to 90
    shift: np.ndarray | None  # of phase but for the sign, 0 to 90


def within_pairs(layer: Layer, most: int = MOST_PAIRS, seed: int = SEED) -> np.ndarray:
    """[n, 2]: pairs of atoms of one alive group; zero atoms take no part."""
    p = layer.group_size
    one = np.stack(np.triu_indices(p, 1), axis=1)
    starts = np.flatnonzero(layer.alive) * p
    pairs = (starts[:, None, None] + one[None]).reshape(-1, 2)
    pairs = pairs[_present(layer)[pairs].all(axis=1)]
    if len(pairs) <= most:
        return pairs
    return pairs[np.sort(np.random.default_rng(seed).choice(len(pairs), most, replace=False))]


def between_pairs(layer: Layer, most: int = MOST_PAIRS, seed: int = SEED) -> np.ndarray:
    """[n, 2]: pairs of atoms of different alive groups, drawn at random."""
    atoms = np.flatnonzero(np.repeat(layer.alive, layer.group_size) & _present(layer))
    if not atoms.size:
        return np.empty((0, 2), int)
    pairs = np.random.default_rng(seed).choice(atoms, (most, 2))
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)  # few atoms have few pairs, each once
    return pairs[pairs[:, 0] // layer.group_size != pairs[:, 1] // layer.group_size]


def relate(layer: Layer, picture: Picture | None, pairs: np.ndarray) -> Relations:
    blocks = [
        _relate(layer.dictionary, picture, pairs[start : start + BLOCK])
        for start in range(0, max(len(pairs), 1), BLOCK)
    ]
    envelope, cosine, turn, shift = (np.concatenate(parts) for parts in zip(*blocks))
    if picture is None:
        return Relations(envelope, cosine, None, None)
    return Relations(envelope, cosine, turn, shift)


def phases(atoms: np.ndarray, picture: Picture) -> np.ndarray:
    """[p]: phase of each atom against the first at the strongest frequency, -180 to 180 degrees."""
    spectra = spectrum(atoms, picture)
    power = (np.abs(spectra) ** 2).sum(axis=(0, 1))
    strongest = np.unravel_index(power.argmax(), power.shape)
    at = spectra[(slice(None), slice(None), *strongest)]  # [p, channels]
    return np.degrees(np.angle((at * at[:1].conj()).sum(axis=1)))


def spectrum(atoms: np.ndarray, picture: Picture) -> np.ndarray:
    """[d, n] -> [n, channels, height, width / 2 + 1], without its mean."""
    planes = np.stack([np.moveaxis(picture.unfold(atom), -1, 0) for atom in atoms.T.astype(float)])
    found: np.ndarray = np.fft.rfft2(planes)
    found[..., 0, 0] = 0
    return found


def orientations(spectra: np.ndarray, picture: Picture) -> np.ndarray:
    """[n]: direction in which an atom varies most, degrees: from the moments of its power."""
    power = (np.abs(spectra) ** 2).sum(axis=1)
    fy = np.fft.fftfreq(picture.height, 1.0)[:, None]
    fx = np.fft.rfftfreq(picture.width, 1.0)[None, :]
    # Columns that are not their own mirror image stand for that, too.
    power *= np.where((fx == 0) | (fx == 0.5), 1.0, 2.0)
    yy, xx, xy = ((power * f).sum(axis=(1, 2)) for f in (fy * fy, fx * fx, fy * fx))
    return np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))


def _present(layer: Layer) -> np.ndarray:
    present: np.ndarray = layer.dictionary.any(axis=0)
    return present


def _relate(
    dictionary: np.ndarray, picture: Picture | None, pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    a, b = (dictionary[:, side].astype(float) for side in pairs.T)
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    envelope = (np.abs(a) * np.abs(b)).sum(axis=0) / norms
    cosine = np.abs((a * b).sum(axis=0)) / norms
    if picture is None or not len(pairs):
        return envelope, cosine, np.empty(0), np.empty(0)
    first, second = spectrum(a, picture), spectrum(b, picture)
    turn = np.abs(orientations(first, picture) - orientations(second, picture)) % 180
    return envelope, cosine, np.minimum(turn, 180 - turn), _shifts(first, second)


def _shifts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """At the frequency that both together are strongest in."""
    joint = (np.abs(first) ** 2 + np.abs(second) ** 2).sum(axis=1)
    strongest = joint.reshape(len(joint), -1).argmax(axis=1)
    cross = (second * first.conj()).sum(axis=1).reshape(len(joint), -1)
    angle = np.abs(np.degrees(np.angle(cross[np.arange(len(cross)), strongest])))
    return np.minimum(angle, 180 - angle)
