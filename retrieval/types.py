"""The frozen records of retrieval: what is recommended, what is asked for, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_  # a record has an attribute of that name
from typing import Literal, TypeAlias

FacetValue: TypeAlias = "int | float | str | tuple[str, ...]"
Op: TypeAlias = Literal["includes", "excludes", "any_of", "min", "max"]
ConstraintValue: TypeAlias = "int | float | str | tuple[str, ...]"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the catalogue.

    Attributes:
        id: stable and unique in the catalogue.
        titles: language code -> title; ``original`` holds the title in the item's own language.
        texts: language code -> description.
        facets: facet name -> canonical value; a list facet holds a tuple. A missing facet is unknown.
        labels: facet name -> language code -> the words to show, parallel to ``facets``.
        hash: of its content, so that an unchanged item is not embedded again.
        picture: a URL or the path of a file; empty when there is none.
        inferred: facets that the language model read out of the text, not the table.
    """

    id: str
    titles: Mapping[str, str]
    texts: Mapping[str, str]
    facets: Mapping[str, FacetValue]
    labels: Mapping[str, Mapping[str, tuple[str, ...]]]
    hash: str = ""
    picture: str = ""
    inferred: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """Return the title in a language, or the nearest there is."""
        return self.titles.get(language) or self.titles.get("original") or next(iter(self.titles.values()))

    def text(self, language: str) -> str:
        """Return the description in a language, or the nearest there is, or an empty string."""
        return self.texts.get(language) or next(iter(self.texts.values()), "")

    def values(self, facet: str) -> tuple[FacetValue, ...]:
        """Return a facet's values as a tuple; empty when unknown."""
        value = self.facets.get(facet)
        if value is None:
            return ()
        return value if isinstance(value, tuple) else (value,)

    def label(self, facet: str, language: str) -> tuple[str, ...]:
        """Return the words for a facet's values in a language."""
        by_language = self.labels.get(facet, {})
        if language in by_language:
            return by_language[language]
        return tuple(str(value) for value in self.values(facet))


@dataclass(frozen=True, slots=True)
class Constraint:
    """A promise about a facet, checked on every item in code.

    ``people`` as field means every facet of type people. An exclusion is never relaxed.

    Attributes:
        field: a facet.
        op: what must hold between the facet and the value.
        value: see ``op``; several for ``any_of``.
        words: what it was read from.
        turn: of which message of the conversation, from 0.
        certainty: from 0 to 1: how sure the reading is.
        firm: it is never relaxed, whatever it says: nobody read it out of words, a program set it.
    """

    field: str
    op: Op
    value: ConstraintValue
    words: str = ""
    turn: int = field_(default=0, compare=False)
    certainty: float = field_(default=1.0, compare=False)
    firm: bool = field_(default=False, compare=False)

    @property
    def values(self) -> tuple[int | float | str, ...]:
        """The value, or the values of ``any_of``, as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def relaxable(self) -> bool:
        """Whether it may be dropped, with a note, when nothing else is left."""
        return self.op != "excludes" and not self.firm


@dataclass(frozen=True, slots=True)
class Wish:
    """A soft wish for a facet value: it moves the order and excludes nothing. See :class:`Constraint` for its attributes."""

    field: str
    value: str
    words: str = ""
    turn: int = field_(default=0, compare=False)
    certainty: float = field_(default=1.0, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """What a retrieval is asked for.

    Attributes:
        text: the wish in the user's words.
        language: of the text.
        context: earlier wishes of the conversation, newest first.
        constraints: each one holds for every candidate.
        wishes: soft facet wishes.
        liked: ids whose vectors pull, strongest last.
        disliked: ids whose vectors push.
        exclude: ids that may not come back (seen, disliked, shown, named).
        k: how many candidates are wanted.
        interests: the liked ids of the profile in groups that are alike, the strongest group first; none: they are one.
        recent: ids that the person came to want, the latest last: what the next one follows.
        portrait: what the person likes in words: searched by where nothing was said.
        sated: (facet, value) of which there was much lately: at most one item with it among the candidates.
    """

    text: str
    language: str = "en"
    context: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    wishes: tuple[Wish, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    k: int = 10
    interests: tuple[tuple[str, ...], ...] = ()
    recent: tuple[str, ...] = ()
    portrait: str = ""
    sated: tuple[tuple[str, FacetValue], ...] = ()

    @property
    def asks(self) -> bool:
        """Whether something is asked for, and not just anything: words, wishes, or a demand."""
        return bool(self.text or self.context or self.wishes or any(c.op != "excludes" for c in self.constraints))


@dataclass(frozen=True, slots=True)
class ChannelScore:
    """One channel's opinion of a candidate. Rank counts from 1; the score's scale is the channel's own."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that retrieval proposes, with what each channel thought and the fused score (higher is better).

    Attributes:
        contributions: what each feature added to the score of a learned ranker; empty without one.
        shares: channel that found it -> its part of the channels' fused score, together 1; the same beside a learned order.
    """

    item: Item
    score: float
    channels: Mapping[str, ChannelScore] = field_(default_factory=dict[str, ChannelScore])
    contributions: Mapping[str, float] = field_(default_factory=dict[str, float])
    shares: Mapping[str, float] = field_(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The answer to a query.

    Attributes:
        candidates: best first.
        relaxed: the constraints that had to be relaxed to find them.
        instead: when there are no candidates, the constraints without which there would be some, with how many, most first.
    """

    candidates: tuple[Candidate, ...]
    relaxed: tuple[Constraint, ...] = ()
    instead: tuple[tuple[Constraint, int], ...] = ()
