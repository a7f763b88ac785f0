"""What code says by itself: openings, answers from a card, small talk. Every word comes from the card or the phrases file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chatbot.clauses import HAN
from chatbot.types import Language, Profile, Request
from prompts import load_phrases
from retrieval.domain import PEOPLE, Domain
from retrieval.types import Constraint, Item, Wish

_EN_NUMBERS = "no one two three four five six seven eight nine ten".split()
_ZH_NUMBERS = "零一两三四五六七八九十"


def write_title(item: Item, language: Language) -> str:
    """Write a title as the language does: 《》 in Chinese, as it is in English."""
    title = item.title(language)
    return f"《{title}》" if language == "zh" else title


def join(words: Iterable[str], language: Language, last: str = "") -> str:
    """List words in a language."""
    words = list(dict.fromkeys(word for word in words if word))
    if language == "zh":
        return "".join(words) if words and all(w.startswith("《") for w in words) else "、".join(words)
    if last and len(words) > 1:
        return f"{', '.join(words[:-1])} {last} {words[-1]}"
    return ", ".join(words)


def write_count(n: int, language: Language) -> str:
    """Write a small number in words."""
    return _ZH_NUMBERS[n] if language == "zh" else _EN_NUMBERS[n]


class Speaker:
    """Says the code's own sentences about one catalogue."""

    def __init__(self, domain: Domain, items: dict[str, Item]) -> None:
        """Take the domain's words and the items' titles."""
        self._domain, self._items = domain, items

    def titles(self, ids: Iterable[str], language: Language, limit: int = 3) -> str:
        """List titles by id."""
        known = [self._items[i] for i in ids if i in self._items][:limit]
        return join((write_title(item, language) for item in known), language, "and")

    # -- openings -------------------------------------------------------------------------------------------------

    def describe_constraint(self, constraint: Constraint, language: Language) -> str:
        """Say one constraint in words."""
        say = load_phrases(language).say
        values = constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
        facet = self._domain.facets.get(constraint.field)
        if constraint.field == PEOPLE or (facet and facet.type == PEOPLE):
            names = join((self.person(str(value), language) for value in values), language)
            return say("without" if constraint.op == "excludes" else "with_people", value=names)
        if facet is None:
            return str(constraint.value)
        if constraint.op in ("min", "max"):
            if facet.type == "year":
                return say("year_from" if constraint.op == "min" else "year_until", value=values[0])
            said = (facet.say_min if constraint.op == "min" else facet.say_max).get(language)
            if said:
                return said.format(value=values[0])
            unit = facet.unit.get(language, "")
            shown = f"{values[0]}{'' if language == 'zh' or not unit else ' '}{unit}"
            return say("at_least" if constraint.op == "min" else "at_most", label=facet.label[language], value=shown)
        words = join((self.value_label(constraint.field, value, language) for value in values), language, "or")
        if constraint.op == "any_of" and constraint.words and len(values) > 2:
            words = constraint.words
        return say("without", value=words) if constraint.op == "excludes" else words

    def value_label(self, facet: str, value: object, language: Language) -> str:
        """The word for a facet value: the domain's, or as an item that has it is labelled."""
        spec = self._domain.facets[facet]
        if str(value) in spec.values or not spec.columns:
            return self._domain.value_label(facet, value, language)
        for item in self._items.values():
            for canonical, label in zip(item.values(facet), item.label(facet, language), strict=False):
                if canonical == value:
                    return label
        return str(value)

    def person(self, name: str, language: Language) -> str:
        """A person's name in a language."""
        for item in self._items.values():
            for facet in self._domain.people_facets:
                for canonical, label in zip(item.values(facet), item.label(facet, language), strict=False):
                    if canonical == name:
                        return label
        return name

    def _years(self, constraints: Sequence[Constraint], language: Language) -> tuple[str, set[Constraint]]:
        """A lower and an upper year said as one span."""
        years = {c.op: c for c in constraints if c.field in self._domain.facets and self._domain.facets[c.field].type == "year"}
        if {"min", "max"} - years.keys():
            return "", set()
        low, high = years["min"].value, years["max"].value
        say = load_phrases(language).say
        return (say("year_exact", value=low) if low == high else say("from_to", low=low, high=high)), {
            years["min"],
            years["max"],
        }

    def wish_parts(self, request: Request, constraints: Sequence[Constraint]) -> str:
        """Say what a list of items was chosen for: wishes, constraints, models."""
        language = request.language
        span, said = self._years(constraints, language)
        positive = [self.describe_constraint(c, language) for c in constraints if c.op != "excludes" and c not in said]
        wishes = join((self.wish_label(w, language) for w in _first_of_words(request.wishes)), language)
        if language == "zh":  # single words stand together, phrases apart
            listed = [c for c in constraints if c.op in ("includes", "any_of") and c.field != PEOPLE]
            words = [self.wish_label(w, language) for w in _first_of_words(request.wishes)]
            wishes = join([*words, *(self.describe_constraint(c, language) for c in listed)], language)
            constraints = [c for c in constraints if c not in listed]
            positive = [self.describe_constraint(c, language) for c in constraints if c.op != "excludes" and c not in said]
        near = load_phrases(language).say("near", titles=self.titles(request.liked, language)) if request.liked else ""
        parts = [wishes, *positive, span, self._exclusions(constraints, language), near]
        return ("，" if language == "zh" else "; ").join(part for part in dict.fromkeys(parts) if part)

    def _exclusions(self, constraints: Sequence[Constraint], language: Language) -> str:
        """Everything denied, said together; a phrase that means several values is said once."""
        hard: dict[str, str] = {}
        soft: dict[str, str] = {}
        for c in constraints:
            if c.op != "excludes":
                continue
            facet = self._domain.facets.get(c.field)
            if facet is not None and facet.match == "soft" and facet.values:
                own = bool(c.words) and bool(HAN.search(c.words)) == (language == "zh")
                soft.setdefault(c.words, c.words.lower() if own else self.value_label(c.field, c.value, language))
            else:
                label = self.person(str(c.value), language) if facet is None else self.value_label(c.field, c.value, language)
                hard.setdefault(c.words, label)
        say = load_phrases(language).say
        nouns = join((label for words, label in hard.items() if words not in soft), language, "or")
        parts = [say("without", value=nouns) if nouns else ""]
        parts.append(say("without_soft", value=join(soft.values(), language, "or")) if soft else "")
        return ("，" if language == "zh" else "; ").join(part for part in parts if part)

    def wish_label(self, wish: Wish, language: Language) -> str:
        """The word for a wish."""
        return self.value_label(wish.field, wish.value, language)

    def opening(
        self, request: Request, profile: Profile, kept: Sequence[Constraint], relaxed: Sequence[Constraint], found: int
    ) -> str:
        """The one sentence before the items (or instead of them, when there are none)."""
        language = request.language
        say = load_phrases(language).say
        noun = self._domain.noun[language]
        everything = self.wish_parts(_without_soft(request), request.constraints)
        if not found:
            return say("nothing", all=everything)
        count = write_count(found, language)
        name = noun.one if found == 1 else noun.many
        if relaxed:
            dropped = join((self.describe_constraint(c, language) for c in relaxed), language, "and")
            return say("opening_relaxed", all=everything, dropped=dropped, one=found == 1)
        parts = self.wish_parts(request, kept)
        if found < request.count:
            return say("opening_few", count=count, parts=parts, one=found == 1)
        if parts or request.query:
            return say("opening", count=count, noun=name, parts=parts)
        return say("opening_profile" if profile.liked else "opening_first", count=count, noun=name)

    # -- small talk and answers -------------------------------------------------------------------------------------

    def chat(self, opening: str, language: Language) -> str:
        """Small talk."""
        noun = self._domain.noun[language]
        values = {"greeting": {"noun": noun.one}, "help": {"noun": noun.many, "one": noun.one}}
        return load_phrases(language).say(opening, **values.get(opening, {}))

    def answer(
        self, item: Item, facets: Sequence[str], asked: Sequence[str], language: Language
    ) -> tuple[str, tuple[str, ...]]:
        """Answer a question about an item from its card and nothing else; returns the text and its sources.

        Args:
            item: asked about.
            facets: the facets that the question names; ``text`` stands for the description.
            asked: canonical values that the question names ("is it sad?").
            language: of the answer.
        """
        say = load_phrases(language).say
        title = write_title(item, language)
        for facet in facets:
            if asked and facet != "text":
                for name in self._domain.facets:
                    hits = [value for value in item.values(name) if value in asked]
                    if hits:
                        words = join((self.value_label(name, value, language) for value in hits), language, "and")
                        return say("answer_listed", title=title, values=words), (f"card.{name}",)
        plain = [
            facet for facet in facets if facet != "text" and self._domain.facets[facet].match == "hard" and item.values(facet)
        ]
        if plain and not asked:
            label = self._domain.facets[plain[0]].label[language]
            value = self._domain.facet_text(item, plain[0], language)
            return say("answer_facet", title=title, label=label, value=value), (f"card.{plain[0]}",)
        soft = [
            facet for facet in facets if facet != "text" and self._domain.facets[facet].match == "soft" and item.values(facet)
        ]
        if soft:
            label = self._domain.facets[soft[0]].label[language]
            words = self._domain.facet_text(item, soft[0], language)
            return say("answer_not_listed", title=title, label=label, values=words), (f"card.{soft[0]}",)
        if "text" in facets and item.text(language):
            return say("answer_text", title=title, text=item.text(language)), ("card.summary",)
        facts = join((self._domain.facet_text(item, name, language) for name in self._domain.headline), language)
        return say("answer_unknown", title=title, facts=facts), tuple(
            f"card.{name}" for name in self._domain.headline if item.values(name)
        )


def _first_of_words(wishes: Sequence[Wish]) -> list[Wish]:
    """One wish a phrase: a phrase that means several values is said once."""
    by_words: dict[str, Wish] = {}
    for wish in wishes:
        by_words.setdefault(wish.words or wish.value, wish)
    return list(by_words.values())


def _without_soft(request: Request) -> Request:
    return replace(request, wishes=(), liked=())
