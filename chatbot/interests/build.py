"""Builds the interest model of a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.cluster import hierarchy as _hierarchy

from chatbot.interests.corrections import read_corrections
from chatbot.interests.habits import find_satiety, read_habits
from chatbot.interests.records import CatalogueView, Interest, Interests, Stand
from chatbot.interests.tastes import read_tastes
from chatbot.interests.weights import weigh
from chatbot.profile import standing
from retrieval.events import Event

hierarchy: Any = _hierarchy  # whose types are not known
MOST_INTERESTS = 6
NEAR = 0.15  # cosine, less the catalogue's mean, above which items are one interest (average linkage)
_SESSIONS = 3  # of each of two interests, from which it is told whether they meet


def build_interests(events: Iterable[Event], catalogue: CatalogueView, now: float, *, named: bool = True) -> Interests:
    """Build the model from a person's events, in the order in which they arrived.

    Args:
        events: of one person.
        catalogue: of the items; events of other items say nothing.
        now: seconds since the epoch, from which ages count.
        named: read the tastes of each interest by itself, which name it; half of the time goes there.
    """
    told = standing(events)
    excluded, dropped, removed = read_corrections(told)
    stands = {
        item: stand
        for item, stand in weigh(told, now, catalogue.domain.behaviour).items()
        if item in catalogue.items and stand.at > removed.get(item, -math.inf)
    }
    liked = sorted((s for s in stands.values() if s.wanted), key=lambda s: (-s.strength, s.item))
    groups = cluster([s.item for s in liked], catalogue)
    total = sum(s.strength for s in liked)
    interests: list[Interest] = []
    for ids in groups:
        members = [s for s in liked if s.item in ids]
        own = read_tastes({s.item: s for s in members}, [], catalogue, dropped) if named else []
        share = sum(s.strength for s in members) / total
        interests.append(Interest(tuple(s.item for s in members), share, max(s.at for s in members), tuple(own)))
    interests.sort(key=lambda interest: -interest.share)
    return Interests(
        stands,
        tuple(interests),
        tuple(t for t in read_tastes(stands, told, catalogue, dropped) if (t.field, t.value) not in excluded),
        tuple(find_satiety(told, catalogue, now)),
        excluded,
        read_habits(told),
        never_meet(interests, stands),
    )


def cluster(ids: Sequence[str], catalogue: CatalogueView) -> list[frozenset[str]]:
    """Group liked items: average linkage of cosines around the catalogue's mean, at most :data:`MOST_INTERESTS` groups."""
    if len(ids) < 2:
        return [frozenset(ids)] if ids else []
    rows = (catalogue.vectors_of(ids) - catalogue.mean).astype(np.float64)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    distances = np.clip(1 - rows @ rows.T, 0, 2)[np.triu_indices(len(ids), 1)]
    tree = hierarchy.linkage(distances, "average")
    labels = hierarchy.fcluster(tree, 1 - NEAR, "distance")
    if len(set(labels.tolist())) > MOST_INTERESTS:
        labels = hierarchy.fcluster(tree, MOST_INTERESTS, "maxclust")
    groups: dict[int, set[str]] = {}
    for item, label in zip(ids, labels.tolist(), strict=True):
        groups.setdefault(label, set()).add(item)
    return [frozenset(group) for group in groups.values()]


def never_meet(interests: Sequence[Interest], stands: Mapping[str, Stand]) -> bool:
    """Whether the two largest interests have a few sessions each, and none in which both occur."""
    sessions = [{s for item in i.items if (s := stands[item].session)} for i in interests[:2]]
    return len(sessions) == 2 and min(map(len, sessions)) >= _SESSIONS and not sessions[0] & sessions[1]
