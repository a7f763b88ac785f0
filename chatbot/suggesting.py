"""Messages that a person can send with one press after items were shown: others, a critique of them, a wish. Pure.

A critique asks for items like the shown ones but for one attribute ("shorter"): a unit critique (McCarthy, Reilly, McGinty and
Smyth, "On the dynamic generation of compound critiques in conversational recommender systems", AH 2004; survey: Chen and Pu,
"Critiquing-based recommenders", User Modeling and User-Adapted Interaction 22, 2012). Only what some remaining candidate can
meet is offered (a dynamic critique), and only what the rules read as what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2
from typing import TypeAlias

from chatbot.answers import Speaker
from chatbot.critiques import critique_bound
from chatbot.lexicon import Lexicon
from chatbot.types import Language, Request
from prompts import load_phrases
from retrieval.constraints import satisfies
from retrieval.domain import Domain
from retrieval.types import Candidate, Constraint, Item

Value: TypeAlias = "tuple[str, str]"  # a facet and one of its values
CRITIQUES = 2  # numbers criticised at most: the rest of the places is for wishes
WISHES = 2  # values offered at most


def suggest(
    request: Request,
    items: Sequence[Item],
    candidates: Sequence[Candidate],
    domain: Domain,
    speaker: Speaker,
    lexicon: Lexicon,
    limit: int = 4,
) -> tuple[str, ...]:
    """Return what could be said next, in the language of the request; nothing where nothing was shown.

    Others come first, then critiques of the shown items, then values that part what is left. Where a demand had to be
    relaxed, others alone: the next demand could be the one that gives way.

    Args:
        request: that the items answer.
        items: shown.
        candidates: what was found; those that are not shown are what the next turn can show.
        domain: whose facets are meant.
        speaker: of its words.
        lexicon: that reads the messages.
        limit: of messages.
    """
    shown = {item.id for item in items}
    rest = [candidate.item for candidate in candidates if candidate.item.id not in shown]
    if not items or not rest:
        return ()
    language = request.language
    others = load_phrases(language).say("suggest_others")
    if not all(satisfies(item, constraint, domain) for constraint in request.constraints for item in (*items, *rest)):
        return (others,)[:limit]
    critiques = list(_critiques(request, items, rest, domain))[:CRITIQUES]
    wishes = list(_wishes(request, rest, domain, speaker, lexicon))[:WISHES]
    return tuple(dict.fromkeys([others, *critiques, *wishes]))[:limit]


def _critiques(request: Request, items: Sequence[Item], rest: Sequence[Item], domain: Domain) -> Iterator[str]:
    """One critique a number: less of it, or of a year the side on which more is left; none where a bound is held."""
    held = {c.field for c in request.constraints if c.op in ("min", "max")}
    for name, facet in sorted(domain.facets.items(), key=lambda pair: pair[1].type == "year"):
        words = {-1: facet.less.get(request.language, ()), 1: facet.more.get(request.language, ())}
        if name in held or facet.type not in ("number", "year"):
            continue
        left = {step: _left(critique_bound(name, facet, step, items), rest, domain) for step in (1, -1) if words[step]}
        if facet.type == "number":
            left.pop(1, None)
        step = max(left, key=lambda n: left[n], default=0)
        if step and left[step]:
            yield _say("suggest_critique", request.language, word=words[step][0])


def _left(bound: Constraint | None, rest: Sequence[Item], domain: Domain) -> int:
    return sum(satisfies(item, bound, domain) for item in rest) if bound else 0


def _wishes(request: Request, rest: Sequence[Item], domain: Domain, speaker: Speaker, lexicon: Lexicon) -> Iterator[str]:
    """Of every facet the value that parts what is left best: soft facets first, then those of the ballot, then the surer split.

    How well a value parts them is the binary entropy of its share, in bits: what its answer tells where each is wanted alike.
    """
    language = request.language
    held = {(w.field, w.value) for w in request.wishes} | {(c.field, v) for c in request.constraints for v in c.values}
    demanded = {c.field for c in request.constraints if c.op in ("includes", "any_of")}
    found: list[tuple[bool, bool, float, str]] = []
    for name, facet in domain.facets.items():
        if not facet.values or (name in demanded and facet.match == "hard"):  # a second demand would replace the first
            continue
        split = {value: _entropy(sum(value in item.values(name) for item in rest) / len(rest)) for value in facet.values}
        for value in sorted(split, key=lambda v: -split[v]):
            text = wish_text(name, value, domain, speaker, language) if split[value] and (name, value) not in held else ""
            if text and is_read_as(text, (name, value), lexicon, language):
                found.append((facet.match != "soft", name not in domain.ballot, -split[value], text))
                break
    yield from (text for *_, text in sorted(found))


def wish_text(facet: str, value: str, domain: Domain, speaker: Speaker, language: Language) -> str:
    """Say that a value is wished for, as a person would: "Something funny", "Korean ones"."""
    spec = domain.facets[facet]
    own = spec.values[value].attributive.get(language) if value in spec.values else None
    if template := spec.wish.get(language):
        text = template.format(value=speaker.value_label(facet, value, language))
        return text[:1].upper() + text[1:]
    name = "suggest_mood" if spec.match == "soft" else "suggest_kind"
    return _say(name, language, value=own or speaker.value_label(facet, value, language))


def _say(name: str, language: Language, **values: str) -> str:
    text = load_phrases(language).say(name, **values)
    return text[:1].upper() + text[1:]


def is_read_as(text: str, wanted: Value, lexicon: Lexicon, language: Language) -> bool:
    """Whether the words of a text mean one value and nothing else."""
    targets = [target for match in lexicon.find(text, language) for target in match.targets if not target.negated_only]
    meant = {(t.facet, t.values) for t in targets}
    return meant == {(wanted[0], (wanted[1],))}


def _entropy(share: float) -> float:
    return -sum(p * log2(p) for p in (share, 1 - share)) if 0 < share < 1 else 0.0
