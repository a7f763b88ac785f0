"""Tables that may leave the machine: popularity and item-item, with noise that hides whether any one person was in the log.

What is protected is a person with all that they did (user-level, added or removed). Everybody's voice is as strong, however
much they did: of m items each counts 1/sqrt(m) for popularity, and each pair 1/m for item-item, so that one person moves the
first table by at most 1 and the second by at most 1/sqrt(2), in Euclidean length. Discrete Gaussian noise by OpenDP hides that
(Canonne, Kamath and Steinke, NeurIPS 2020); both together are concentrated differential privacy, whose ε at a δ OpenDP
converts. Noise on the item-item matrix is that of Dwork, Talwar, Thakurta and Zhang, "Analyze Gauss" (STOC 2014), and of
McSherry and Mironov's recommender (KDD 2009). The ids of the catalogue are taken to be known to everybody.
"""

from __future__ import annotations

import csv
import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.collaborative import NEIGHBOURS, ItemItemIndex, largest
from retrieval.errors import missing

MOST = 100.0  # ε: more protects nobody
PAIRED = 1000  # items, those most popular after the noise, whose pairs are released
NOTE, POPULARITY, ITEM_ITEM = "release.json", "popularity.csv", "item_item.csv"
UNIT = 1 << 20  # one voice, in whole numbers: their sums are exact, as the proof asks
SINGLE, PAIR = 1.0, math.nextafter(math.sqrt(0.5), 1)  # how far one person moves the tables at most, in voices
_POPULARITY_SHARE = 0.1  # of the budget; popularity needs little
_SCALES = 0.05, 1e6  # of noise to one person's part, between which a budget is looked for
_LOUD = 3.0  # noises that a pair must rise above
_SHRINKAGE = 20.0  # of similarities, in voices

Voices: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Release:
    """Tables with noise.

    Attributes:
        ids: of the catalogue's n items.
        popularity: (n,) voices for each, at least 0.
        item_item: the nearest neighbours of the :data:`PAIRED` most popular ones.
        epsilon, delta: what both tables together guarantee.
        noise: table -> standard deviation, in voices.
    """

    ids: Sequence[str]
    popularity: Voices
    item_item: ItemItemIndex
    epsilon: float
    delta: float
    noise: dict[str, float]


def release_tables(ids: Sequence[str], wanted: Any, epsilon: float, delta: float) -> Release:
    """Count with noise.

    Args:
        ids: of the catalogue, n.
        wanted: a sparse matrix (people, n): above 0 where somebody wants an item.
        epsilon: the budget of both tables, above 0 and at most :data:`MOST`.
        delta: its chance to fail, above 0 and well below one in the number of people.

    Raises:
        SettingsError: the package opendp is missing.
    """
    dp = _opendp()
    acts = (wanted.tocsr() > 0).astype(np.int64)
    rho = _budget(dp, epsilon, delta)
    scale, pair_scale = _scale(SINGLE, _POPULARITY_SHARE * rho), _scale(PAIR, (1 - _POPULARITY_SHARE) * rho)
    popularity = _noisy(dp, count_items(acts), SINGLE, scale)
    top = np.sort(np.argsort(-popularity, kind="stable")[:PAIRED])
    pairs = np.zeros((len(top), len(top)))
    pairs[np.triu_indices(len(top), 1)] = _noisy(dp, count_pairs(acts, top), PAIR, pair_scale)
    similar = _similarities(pairs + pairs.T, popularity[top], scale, pair_scale)
    noise = {"popularity": scale, "item_item": pair_scale}
    chosen: list[int] = top.tolist()
    k = min(NEIGHBOURS, max(len(chosen) - 1, 0))
    nearest = ((best := largest(row, k), row[best]) for row in similar)
    item_item = ItemItemIndex.from_rows([ids[n] for n in chosen], nearest, k)
    return Release(ids, np.maximum(popularity, 0), item_item, epsilon, delta, noise)


def save_release(release: Release, folder: Path) -> None:
    """Write both tables as CSV into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    order: list[int] = np.argsort(-release.popularity, kind="stable").tolist()
    with (folder / POPULARITY).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "popularity"])
        rows.writerows([release.ids[n], f"{release.popularity[n]:.3f}"] for n in order)
    near = release.item_item
    with (folder / ITEM_ITEM).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "other", "similarity"])
        for item, others, weights in zip(near.ids, near.neighbours.tolist(), near.weights.tolist(), strict=True):
            rows.writerows([item, near.ids[n], f"{w:.6f}"] for n, w in zip(others, weights, strict=True) if n >= 0)


def read_item_item(folder: Path) -> ItemItemIndex:
    """Read the item-item table that :func:`save_release` wrote."""
    near: dict[str, list[tuple[str, float]]] = {}
    with (folder / ITEM_ITEM).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            near.setdefault(row["item"], []).append((row["other"], float(row["similarity"])))
    ids = sorted({*near, *(other for rows in near.values() for other, _ in rows)})
    places = {item_id: n for n, item_id in enumerate(ids)}
    rows = (([places[other] for other, _ in near.get(i, ())], [weight for _, weight in near.get(i, ())]) for i in ids)
    return ItemItemIndex.from_rows(ids, rows, NEIGHBOURS)


# -- before the noise: what one person can move at most -----------------------------------------------------------------


def count_items(acts: Any) -> npt.NDArray[np.int64]:
    """Count voices for items, in parts of 1 / :data:`UNIT`; one person moves them by :data:`SINGLE` voices at most.

    Args:
        acts: sparse (people, n) of 0 and 1.
    """
    sizes: list[int] = np.diff(acts.indptr).tolist()
    voices = np.array([math.isqrt(UNIT * UNIT // m) if m else 0 for m in sizes], np.int64)
    return np.asarray(acts.T @ voices).ravel()


def count_pairs(acts: Any, chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Count voices for pairs of the chosen k items, as count_items does; one person moves them by :data:`PAIR` at most.

    Returns:
        (k (k - 1) / 2,): the upper triangle, row by row.
    """
    sizes: npt.NDArray[np.int64] = np.diff(acts.indptr).astype(np.int64)
    columns = acts[:, chosen]
    voiced = columns.multiply((UNIT // np.maximum(sizes, 1))[:, None]).tocsr().astype(np.int64)
    return (voiced.T @ columns).toarray()[np.triu_indices(len(chosen), 1)]


# -- noise --------------------------------------------------------------------------------------------------------------


def _opendp() -> Any:
    try:
        dp: Any = importlib.import_module("opendp.prelude")
    except ModuleNotFoundError as error:
        raise missing("opendp", "private") from error
    dp.enable_features("contrib")
    return dp


def _gaussian(dp: Any, scale: float) -> Any:
    return dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T=float), scale=scale)


def _budget(dp: Any, epsilon: float, delta: float) -> float:
    """Return the ρ of concentrated differential privacy that is (ε, δ), which adds up over mechanisms.

    Bun and Steinke, "Concentrated differential privacy" (TCC 2016).
    """

    def made(scale: float) -> Any:
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(_gaussian(dp, scale)), delta)

    scale: float = dp.binary_search_param(made, d_in=1.0, d_out=(epsilon, delta), bounds=_SCALES)
    return 1 / scale**2 / 2


def _scale(sensitivity: float, rho: float) -> float:
    """Return the standard deviation, in voices, with which a table is ρ-concentrated."""
    return sensitivity / math.sqrt(2 * rho)


def _noisy(dp: Any, values: npt.NDArray[np.int64], sensitivity: float, scale: float) -> Voices:
    """Add noise to counts in parts of a voice, which one person moves by the sensitivity at most; return voices."""
    measure = _gaussian(dp, scale * UNIT)
    assert measure.map(sensitivity * UNIT) <= (sensitivity / scale) ** 2 / 2 * (1 + 1e-9)
    return np.array(measure(values.tolist()), np.float64) / UNIT


# -- after the noise, where nothing is protected any more ---------------------------------------------------------------


def _similarities(pairs: Voices, popularity: Voices, scale: float, pair_scale: float) -> npt.NDArray[np.float32]:
    loud = np.where(pairs > _LOUD * pair_scale, pairs, 0)
    usual = np.sqrt(np.maximum(popularity, _LOUD * scale))
    return (loud / (usual[:, None] * usual[None, :] + _SHRINKAGE)).astype(np.float32)
