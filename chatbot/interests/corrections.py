"""What the person says of their profile themselves: it wins over what was inferred."""

from __future__ import annotations

from collections.abc import Iterable

from retrieval.events import Event


def read_corrections(
    events: Iterable[Event],
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], float], dict[str, float]]:
    """Return what the person corrected, the last word on each counting.

    A ``corrected`` event has in its context ``op`` and either ``facet`` and ``value`` or an item. ``never`` excludes the value
    until ``again`` is said; ``drop`` takes a value, or an item, out of the model: what was known of it until then.

    Returns:
        Excluded values, as text, with the event's id; dropped values, and dropped items, each with the time until which nothing
        counts.
    """
    excluded: dict[tuple[str, str], str] = {}
    dropped: dict[tuple[str, str], float] = {}
    removed: dict[str, float] = {}
    for event in events:
        if event.kind != "corrected":
            continue
        op = event.context.get("op")
        key = (event.context.get("facet", ""), event.context.get("value", ""))
        if event.item is not None:
            removed[event.item] = event.at
        elif op == "never":
            excluded[key] = event.id
            dropped[key] = event.at
        else:
            excluded.pop(key, None)
            if op == "drop":
                dropped[key] = event.at
    return excluded, dropped, removed
