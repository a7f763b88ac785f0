"""A map of the catalogue: what is alike lies near each other in the plane, and a region is named by what is typical of it.

The plane is t-SNE (van der Maaten and Hinton, JMLR 2008) over the principal components of the cards' vectors, begun from the
first two of them, which keeps the large distances too (Kobak and Berens, Nature Communications 2019).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import math
import os
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval.domain import Domain
from retrieval.embedder import Vectors
from retrieval.index import CatalogIndex
from retrieval.similar import value_word
from retrieval.types import Item

logger = logging.getLogger(__name__)

VERSION = 1  # of how a map is made: another one is computed anew
LIMIT = 5000  # items that t-SNE arranges: about twenty seconds of one core
COMPONENTS = 50
PERPLEXITY = 30.0
ROUNDS = 500  # a thousand keep a thousandth more of the neighbourhoods
FEWEST = 10  # items that have neighbourhoods; fewer lie by their first two components
NEAREST = 5  # placed items beside which a further one is put
MOST_REGIONS = 16
REGION_ITEMS = 8  # on average, at least
_PRIOR = 10.0  # items of the whole catalogue that every region is thought to hold besides its own
_LEAST = 1.0  # standard errors above the catalogue from which a value is typical
_CHUNK = 1024
_TINY = 1e-6

Points = NDArray[np.float32]
Value: TypeAlias = "tuple[str, str]"  # a facet and one of its values


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """A part of the map.

    Attributes:
        x: of its middle.
        y: of its middle.
        facet: whose value is typical.
        value: the canonical value.
        label: the word for it in the map's language; no other region has either.
        size: how many items lie in it.
    """

    x: float
    y: float
    facet: str
    value: str
    label: str
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class CatalogMap:
    """Where every item of a catalogue lies.

    Attributes:
        ids: of the n items.
        xy: (n, 2), from 0 to 1 in the longer direction and centred in the shorter: distances are the same in both.
        regions: the largest first; fewer than there are clusters, where nothing is typical of one.
    """

    ids: tuple[str, ...]
    xy: Points
    regions: tuple[Region, ...]


def load_map(index: CatalogIndex, folder: Path | None, language: str) -> CatalogMap:
    """Read the map of a catalogue, or compute it and keep it for the next time.

    Args:
        index: open.
        folder: where maps are kept, made when it is missing; None: it is only computed.
        language: whose cards are compared, and of the labels.
    """
    if folder is None:
        return project(index, language)
    path, key = folder / f"map-{language}.npz", _key(index, language)
    found = _read(path, key, tuple(index.items))
    if found is None:
        found = project(index, language)
        _write(path, key, found)
    return found


def project(index: CatalogIndex, language: str, *, seed: int = 0, limit: int = LIMIT) -> CatalogMap:
    """Compute the map of a catalogue. The same vectors give the same map on one machine.

    Args:
        index: open.
        language: whose cards are compared, and of the labels.
        seed: of what is random.
        limit: how many items t-SNE arranges, at least 1, drawn by a hash of their ids. The others are put beside those.
    """
    ids, ranks = tuple(index.items), index.columns.shuffled_ranks
    if not ids:
        return CatalogMap((), np.zeros((0, 2), np.float32), ())
    drawn, rest = (np.flatnonzero(which).astype(np.int32) for which in (ranks < limit, ranks >= limit))
    rows = index.vectors_at(drawn, language)
    xy = np.zeros((len(ids), 2), np.float32)
    xy[drawn] = _arrange(rows, seed)
    for start in range(0, len(rest), _CHUNK):
        part = rest[start : start + _CHUNK]
        xy[part] = _beside(index.vectors_at(part, language), rows, xy[drawn])
    xy = _fit(xy)
    return CatalogMap(ids, xy, _regions(xy, index.columns.items, index.domain, language, seed))


# -- the plane ----------------------------------------------------------------------------------------------------------


def _arrange(rows: Vectors, seed: int) -> Points:
    """Return (n, 2) places of any scale for (n, d) rows; rows without any difference lie at one place."""
    n = len(rows)
    if n < 2 or float(np.ptp(rows, axis=0).max()) < _TINY:
        return np.zeros((n, 2), np.float32)
    # one thread: with several, sums are added in the order in which they are done, and t-SNE makes much of a last digit
    with import_module("threadpoolctl").threadpool_limits(1):
        pca: Any = import_module("sklearn.decomposition").PCA(min(COMPONENTS, *rows.shape), svd_solver="covariance_eigh")
        parts: Points = np.asarray(pca.fit_transform(rows), np.float32)
        first = np.zeros((n, 2), np.float32)
        first[:, : parts.shape[1]] = parts[:, :2]
        if n < FEWEST:
            return first
        tsne: Any = import_module("sklearn.manifold").TSNE(
            init=first / first[:, 0].std() * 1e-4,  # the scale of init="pca", whose components are found at random
            perplexity=min(PERPLEXITY, (n - 1) / 3),
            random_state=seed,
            max_iter=ROUNDS,
        )
        return np.asarray(tsne.fit_transform(parts), np.float32)


def _beside(rows: Vectors, placed: Vectors, xy: Points) -> Points:
    """Return (m, 2) places of (m, d) rows: the mean of their nearest placed ones, each by the inverse of its distance.

    That is the interpolation of Shepard (ACM National Conference 1968): a row just like a placed one lies where that does.
    """
    cosines = rows @ placed.T
    count = min(NEAREST, len(placed))
    near = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    weights = 1 / (np.maximum(2 - 2 * np.take_along_axis(cosines, near, axis=1), 0) + _TINY)
    weights /= weights.sum(axis=1, keepdims=True)
    return (xy[near] * weights[:, :, None]).sum(axis=1)


def _fit(xy: Points) -> Points:
    """Scale and shift places into the unit square, both directions by the same factor."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = float((high - low).max())
    return np.clip((xy - (low + high) / 2) / (span if span > _TINY else 1) + 0.5, 0, 1).astype(np.float32)


# -- regions ------------------------------------------------------------------------------------------------------------


def _regions(xy: Points, items: Sequence[Item], domain: Domain, language: str, seed: int) -> tuple[Region, ...]:
    """Part the plane by k-means, and name each part by its most typical value, the clearest cases first."""
    count = min(MOST_REGIONS, len(items) // REGION_ITEMS, len(np.unique(xy.round(4), axis=0)))
    values = _values(items, domain)
    if count < 2 or not values:
        return ()
    with import_module("threadpoolctl").threadpool_limits(1):
        kmeans: Any = import_module("sklearn.cluster").KMeans(count, n_init=4, random_state=seed)
        labels: NDArray[np.int32] = kmeans.fit_predict(xy)
    sizes = np.bincount(labels, minlength=count)
    counts = np.stack([np.bincount(labels[rows], minlength=count) for rows in values.values()], axis=1)
    clear = _log_odds(counts, sizes)
    parts, columns = np.nonzero(clear > _LEAST)
    names: list[Value] = list(values)
    named: dict[int, Region] = {}
    taken: set[str] = set()
    for nth in np.argsort(-clear[parts, columns], kind="stable").tolist():
        part, (facet, value) = int(parts[nth]), names[columns[nth]]
        label = "" if part in named else value_word(items[values[facet, value][0]], facet, value, language)
        if part not in named and not taken & {value, label}:
            x, y = map(float, xy[labels == part].mean(axis=0))
            named[part] = Region(x, y, facet, value, label, int(sizes[part]))
            taken |= {value, label}
    return tuple(sorted(named.values(), key=lambda region: (-region.size, region.value)))


def _values(items: Sequence[Item], domain: Domain) -> dict[Value, list[int]]:
    """Return who holds each value of the list facets of the model's ballot, or of all where it names none."""
    lists = [name for name, facet in domain.facets.items() if facet.type == "list"]
    facets = [name for name in lists if name in domain.ballot] or lists
    holders: dict[Value, list[int]] = {}
    for row, item in enumerate(items):
        for facet in facets:
            for value in dict.fromkeys(map(str, item.values(facet))):
                holders.setdefault((facet, value), []).append(row)
    return holders


def _log_odds(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (parts, values) by how many standard errors the odds of a value in a part are above those elsewhere.

    Log-odds with an informative Dirichlet prior, which is the catalogue: Monroe, Colaresi and Quinn, "Fightin' Words"
    (Political Analysis 2008), equations 15 to 22. A rare value must be rare elsewhere to win over a common one.

    Args:
        counts: (parts, values) of holders.
        sizes: (parts,) of items.
    """
    whole, n = counts.sum(axis=0), int(sizes.sum())
    prior, total = _PRIOR * whole / n, _PRIOR + 1
    inside, outside = counts + prior, whole - counts + prior
    without = sizes[:, None] + total - inside, (n - sizes)[:, None] + total - outside
    return (np.log(inside / without[0]) - np.log(outside / without[1])) / np.sqrt(1 / inside + 1 / outside)


# -- on disk ------------------------------------------------------------------------------------------------------------


def _key(index: CatalogIndex, language: str) -> str:
    """Return what changes with whatever changes a map."""
    digest = hashlib.blake2b(f"{VERSION}|{language}|{index.domain.card_fingerprint}".encode(), digest_size=16)
    columns = index.columns
    for start in range(0, len(columns), _CHUNK):
        part = range(start, min(start + _CHUNK, len(columns)))
        digest.update(json.dumps([(item.id, item.hash) for item in columns.items[part.start : part.stop]]).encode())
        digest.update(np.ascontiguousarray(index.vectors_at(np.array(part, np.int32), language), np.float32).tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str, ids: tuple[str, ...]) -> CatalogMap | None:
    """Return the map of a file; None when there is none, or an outdated or broken one."""
    try:
        with path.open("rb") as file, np.load(file) as kept:
            note: dict[str, Any] = json.loads(str(kept["note"]))
            if note["key"] != key:
                return None
            xy = np.asarray(kept["xy"], np.float32)
            regions = tuple(Region(**region) for region in note["regions"])
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        logger.warning("the map in %s cannot be read and is made again: %s", path, error)
        return None
    return CatalogMap(ids, xy, regions) if xy.shape == (len(ids), 2) and math.isfinite(float(xy.sum())) else None


def _write(path: Path, key: str, made: CatalogMap) -> None:
    """Replace a file at once. A folder that cannot be written to costs the next one the time, and nobody the map."""
    note = json.dumps({"key": key, "regions": [dataclasses.asdict(region) for region in made.regions]})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as file:
            np.savez_compressed(file, note=np.array(note), xy=made.xy)
        os.replace(file.name, path)
    except OSError as error:
        logger.warning("the map cannot be kept in %s: %s", path, error)
