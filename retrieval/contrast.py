"""Items for somebody new to react to: well known, each of another kind, and together over the whole catalogue.

What a first list is for is to learn tastes apart. Rashid et al., "Getting to know you" (IUI 2002), find that items which many
know, balanced with ones about which people differ, teach most for the least trouble; Golbandi, Koren and Lempel, "Adaptive
bootstrapping of recommender systems using decision trees" (WSDM 2011), that the next ones should depend on the answers so far.
Here no ratings are needed: contrast is that of the cards' vectors, begun by the farthest-first traversal of Gonzalez
("Clustering to minimize the maximum intercluster distance", Theoretical Computer Science 1985).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from retrieval.embedder import Vectors
from retrieval.facet_columns import Positions
from retrieval.index import CatalogIndex
from retrieval.item_table import Floats

COUNT = 8
POOL = 2000  # items that are compared at most: the best known, else drawn by a hash of the id
KNOWN_SHARE = 0.25  # of a catalogue counts as well known
NEAR_SHARE = 0.25  # of the pool is near enough to what was liked
EACH = 6  # items to choose each one from, at least, near what was liked; of the well known many more
KNOWN_WEIGHT = 0.5  # of being known, against how typical of its part of the catalogue an item is (a cosine)
USUAL_WEIGHT = 2.0  # of how like the catalogue as a whole its card is
KIND_WEIGHT = 0.5  # of the share of its kinds that were chosen already
_ROUNDS = 20
_SAME = 1 - 1e-5  # cosine of rows that are alike


def contrasting(
    index: CatalogIndex,
    language: str,
    count: int = COUNT,
    skip: Collection[str] = (),
    liked: Sequence[str] = (),
    disliked: Sequence[str] = (),
) -> list[str]:
    """Choose items whose reactions tell tastes apart. The same catalogue and reactions give the same items.

    The pool is parted by k-means over centred vectors. From each part, the largest first, comes the item that is most typical
    of it, best known, and least like those chosen before and the catalogue as a whole. With reactions the pool is what lies
    nearer to what was liked than to what was disliked: the next question is asked where the answers so far point.

    Args:
        index: open.
        language: whose cards are compared.
        count: how many.
        skip: ids that are not chosen, such as those shown before.
        liked: ids; they are not chosen either. Unknown ones say nothing.
        disliked: the same.

    Returns:
        Ids, never one twice; fewer than ``count`` only where no more are left.
    """
    free = np.flatnonzero(index.columns.without([*skip, *liked, *disliked])).astype(np.int32)
    if count <= 0 or not len(free):
        return []
    known = _known(index)
    pool = _pool(index, free, known, count)
    rows = index.vectors_at(pool, language)
    kept = _side(rows, _rows(index, language, liked), _rows(index, language, disliked), EACH * count)
    pool, rows = pool[kept], rows[kept]
    places: list[int] = pool.tolist()
    items, facet = [index.columns.items[n] for n in places], index.domain.kind_facet
    kinds = [frozenset(map(str, item.values(facet))) if facet else frozenset[str]() for item in items]
    usual = USUAL_WEIGHT * rows @ rows.mean(axis=0)  # a card that is like all others tells nothing
    return [items[n].id for n in _choose(_centred(rows), KNOWN_WEIGHT * known[pool] - usual, kinds, count)]


def _known(index: CatalogIndex) -> Floats:
    """Return (n,) from 0 to 1 how well known each item is: by what was learned, else by how much the log joins it to others."""
    known = np.zeros(len(index.columns), np.float32)
    if index.learned is not None and index.learned.prior.any():
        known = index.learned.prior
    elif index.collaborative is not None:
        places = index.columns.places(index.collaborative.ids)
        known[places[places >= 0]] = np.maximum(index.collaborative.weights, 0).sum(axis=1)[places >= 0]
    return known / max(float(known.max()), 1e-6)


def _pool(index: CatalogIndex, free: Positions, known: Floats, count: int) -> Positions:
    """Return the positions to choose from, ascending: the best known ones, so that reading them takes the same time always."""
    most = min(POOL, max(40 * count, int(KNOWN_SHARE * len(known)))) if known.any() else POOL
    order = np.lexsort((index.columns.shuffled_ranks[free], -known[free]))
    return np.sort(free[order[: max(most, count)]])


def _rows(index: CatalogIndex, language: str, ids: Sequence[str]) -> Vectors | None:
    here = [item_id for item_id in dict.fromkeys(ids) if item_id in index.items]
    return index.vectors_of(here, language) if here else None


def _side(rows: Vectors, liked: Vectors | None, disliked: Vectors | None, least: int) -> Positions:
    """Return which rows lie nearer to the nearest liked than to the nearest disliked one: a share of them, or ``least``."""
    margin = np.zeros(len(rows), np.float32)
    if liked is not None:
        margin += (rows @ liked.T).max(axis=1)
    if disliked is not None:
        margin -= (rows @ disliked.T).max(axis=1)
    if liked is None and disliked is None:
        return np.arange(len(rows), dtype=np.int32)
    size = int((NEAR_SHARE if liked is not None else 0.5) * len(rows))  # a dislike says where not to ask, and no more
    if liked is not None and disliked is not None:
        size = min(size, int(np.count_nonzero(margin > 0)))
    return np.sort(np.argsort(-margin, kind="stable")[: max(least, size)]).astype(np.int32)


def _centred(rows: Vectors) -> Vectors:
    """Return directions from the middle: what all cards have in common tells none apart."""
    return _directions(rows - rows.mean(axis=0))


def _directions(rows: Vectors) -> Vectors:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _choose(rows: Vectors, merits: Floats, kinds: Sequence[frozenset[str]], count: int) -> list[int]:
    """Return places of up to ``count`` rows: one of each part, then whatever is least like those.

    Args:
        rows: (n, d) directions.
        merits: (n,) of each whatever is chosen besides.
        kinds: of each.
        count: how many.
    """
    labels, centres = _parts(rows, rows[_farthest(rows, [int(merits.argmax())], count)])
    typical = (rows * centres[labels]).sum(axis=1) + merits
    alike = np.zeros(len(rows), np.float32)
    used: set[str] = set()
    chosen: list[int] = []
    for part in np.argsort(-np.bincount(labels), kind="stable").tolist():
        own = np.flatnonzero(labels == part)
        if not len(own):
            continue
        repeated = np.array([len(kinds[n] & used) / max(len(kinds[n]), 1) for n in own.tolist()], np.float32)
        best = int(own[np.argmax(typical[own] - alike[own] - KIND_WEIGHT * repeated)])
        chosen.append(best)
        used |= kinds[best]
        alike = np.maximum(alike, rows @ rows[best])
    return _farthest(rows, chosen, count, apart=False)


def _farthest(rows: Vectors, chosen: Sequence[int], count: int, *, apart: bool = True) -> list[int]:
    """Add to places, one by one, the row whose nearest chosen one is farthest: Gonzalez, at most twice the best radius.

    Args:
        rows: (n, d) directions.
        chosen: places to begin with, at least one.
        count: how many in all, at most.
        apart: end where every row left is just like a chosen one.
    """
    found = list(chosen)
    nearest = (rows @ rows[found].T).max(axis=1)
    nearest[found] = np.inf
    while len(found) < min(count, len(rows)):
        place = int(nearest.argmin())
        if apart and nearest[place] >= _SAME:
            break
        found.append(place)
        nearest = np.maximum(nearest, rows @ rows[place])
        nearest[place] = np.inf
    return found


def _parts(rows: Vectors, centres: Vectors) -> tuple[Positions, Vectors]:
    """Return for every row its part, and the (parts, d) centres, of length 1, from the centres to begin with.

    Spherical k-means of Dhillon and Modha (Machine Learning 2001).
    SciPy's (kmeans2) takes twice as long here and fails where a part empties.
    """
    labels = (rows @ centres.T).argmax(axis=1)
    for _ in range(_ROUNDS):
        members = (labels[:, None] == np.arange(len(centres))).astype(np.float32)
        centres = np.where(members.any(axis=0)[:, None], _directions(members.T @ rows), centres)  # an empty part keeps its own
        before, labels = labels, (rows @ centres.T).argmax(axis=1)
        if (before == labels).all():
            break
    return labels.astype(np.int32), centres
