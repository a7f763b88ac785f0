"""What goes together, by name: an item's companions stand in its facets as ids, and are shown by their titles. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from retrieval.domain import Domain
from retrieval.types import Item


def with_companions_named(items: Mapping[str, Item], domain: Domain) -> dict[str, Item]:
    """Return the items of a catalogue, by id, with the titles of their companions as labels; an unknown id stays as it is."""
    if domain.companions is None:
        return dict(items)
    facet = domain.companions.facet

    def named(item: Item) -> Item:
        others = [str(value) for value in item.values(facet)]
        titles = {lang: tuple(items[i].title(lang) if i in items else i for i in others) for lang in domain.languages}
        return replace(item, labels={**item.labels, facet: titles}) if others else item

    return {item_id: named(item) for item_id, item in items.items()}
