"""What code says by itself: openings, answers from a card, small talk. Every word comes from the card or the phrases file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chatbot.clauses import HAN
from chatbot.types import Language, Profile, Request
from chatbot.written import join, without_article, write_count, write_title
from prompts import load_phrases
from retrieval.domain import PEOPLE, Domain
from retrieval.facet import Facet
from retrieval.types import Constraint, FacetValue, Item, Wish

_STEM = 5  # letters by which two words begin alike


def _begin_alike(one: str, other: str) -> bool:
    """Whether two words begin alike, as "romantic" and "romance" do: both together sound like a slip."""
    return len(one) >= _STEM and one[:_STEM].lower() == other[:_STEM].lower()


class Speaker:
    """Says the code's own sentences about one catalogue."""

    def __init__(self, domain: Domain, items: dict[str, Item]) -> None:
        """Take the domain's words and the items' titles."""
        self._domain, self._items = domain, items
        self._labels: dict[tuple[str, object], dict[str, str]] = {}  # of values that only the items name, and of people
        for item in items.values():
            for name, by_language in item.labels.items():
                key = PEOPLE if name in domain.people_facets else name
                for language, labels in by_language.items():
                    for value, label in zip(item.values(name), labels, strict=False):
                        self._labels.setdefault((key, value), {}).setdefault(language, label)

    def titles(self, ids: Iterable[str], language: Language, limit: int = 3) -> str:
        """List titles by id."""
        known = [self._items[i] for i in ids if i in self._items][:limit]
        return join((write_title(item, language) for item in known), language, "and")

    # -- openings -------------------------------------------------------------------------------------------------

    def describe_constraint(self, constraint: Constraint, language: Language) -> str:
        """Say one constraint in words."""
        say = load_phrases(language).say
        value = constraint.values[0]
        facet = self._domain.facets.get(constraint.field)
        words = join((self.value_label(constraint.field, value, language) for value in constraint.values), language, "or")
        if self.of_companions(constraint.field):
            return say("goes_with", titles=words)
        if constraint.op == "excludes":
            return self._exclusions([constraint], language)
        if constraint.field == PEOPLE or (facet and facet.type == PEOPLE):
            return say("with_people", value=words)
        if facet is None:
            return words
        if constraint.op in ("min", "max"):
            if facet.type == "year":
                return say("year_from" if constraint.op == "min" else "year_until", value=value)
            said = (facet.say_min if constraint.op == "min" else facet.say_max).get(language)
            shown = facet.written(value, language)
            if constraint.op == "max" and value == 0 and facet.zero.get(language):
                return facet.zero[language]
            if said:
                return said.format(value=_in_template(facet, value, said, language))
            if facet.type == "date":
                return say("day_from" if constraint.op == "min" else "day_until", value=shown)
            return say("at_least" if constraint.op == "min" else "at_most", label=facet.label[language], value=shown)
        return constraint.words.removesuffix("的") if constraint.words and len(constraint.values) > 2 else words

    def value_label(self, facet: str, value: object, language: Language) -> str:
        """The word for a facet value, as the domain or an item that has it says; ``people`` and their facets give names."""
        spec = self._domain.facets.get(facet)
        if spec and str(value) in spec.values:
            return self._domain.value_label(facet, value, language)
        key = PEOPLE if facet in self._domain.people_facets else facet
        return self._labels.get((key, value), {}).get(language, str(value))

    def of_companions(self, facet: str) -> bool:
        """Whether a facet holds the items that an item goes with."""
        return self._domain.companions is not None and self._domain.companions.facet == facet

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

    def _spans(self, constraints: Sequence[Constraint], language: Language) -> tuple[list[str], set[Constraint]]:
        """Lowest and highest numbers of one facet, said as one: "volume 2", "$20–30"."""
        words: list[str] = []
        said: set[Constraint] = set()
        for low in (c for c in constraints if c.op == "min"):
            high = next((c for c in constraints if c.op == "max" and c.field == low.field), None)
            facet = self._domain.facets.get(low.field)
            if high and facet and facet.type in ("number", "date"):
                words.append(self._span(facet, low, high, language))
                said |= {low, high}
        return words, said

    @staticmethod
    def _span(facet: Facet, low: Constraint, high: Constraint, language: Language) -> str:
        """Say everything between two bounds: numbers with their unit, days with their names."""
        if facet.type == "number":
            return facet.span(low.value, high.value, language)
        say, (first, last) = load_phrases(language).say, (facet.written(c.value, language) for c in (low, high))
        return say("day_on", value=first) if first == last else say("days", low=first, high=last)

    def describe_together(self, constraints: Sequence[Constraint], language: Language) -> str:
        """Say constraints that belong together as one: a span of years, several values that one phrase denies."""
        span, said = self._years(constraints, language)
        spans, same = self._spans(constraints, language)
        said |= same
        others = (self.describe_constraint(c, language) for c in constraints if c.op != "excludes" and c not in said)
        parts = [span, *spans, *others, self._exclusions(constraints, language)]
        return ("，" if language == "zh" else "; ").join(part for part in dict.fromkeys(parts) if part)

    def describe_kind(self, values: Sequence[tuple[str, FacetValue]], language: Language, *, one: bool = False) -> str:
        """Say values of listed facets as one kind of thing: "slow, quiet crime novels"; empty where there are none."""
        if not values:
            return ""
        soft, hard = (
            [self.value_label(f, v, language) for f, v in values if self._domain.facets[f].match == match]
            for match in ("soft", "hard")
        )
        soft = [word for word in soft if not any(_begin_alike(word, other) for other in hard)]
        noun = self._domain.noun[language]
        how, what, name = join(soft, language), join(hard, language, "and"), noun.one if one else noun.many
        if language == "zh":
            return "".join((f"{how}的" if how else "", what, name))
        return " ".join(part for part in (how, what, name) if part)

    def wish_parts(self, request: Request, constraints: Sequence[Constraint]) -> str:
        """Say what a list of items was chosen for: wishes, constraints, models."""
        language = request.language
        span, said = self._years(constraints, language)
        values = [c for c in constraints if c.op in ("includes", "any_of") and c.field != PEOPLE]
        spans, same = self._spans(constraints, language)
        said |= same
        bounds = [c for c in constraints if c.op != "excludes" and c not in values and c not in said]
        labels = [self.wish_label(w, language) for w in _first_of_words(request.wishes)]
        words = join([*labels, *(self.describe_constraint(c, language) for c in values)], language)
        near = load_phrases(language).say("near", titles=self.titles(request.liked, language)) if request.liked else ""
        described = (self.describe_constraint(c, language) for c in bounds)
        parts = [words, *spans, *described, span, self._exclusions(constraints, language), near]
        return ("，" if language == "zh" else "; ").join(part for part in dict.fromkeys(parts) if part)

    def _exclusions(self, constraints: Sequence[Constraint], language: Language) -> str:
        """Everything denied, a phrase for each way of saying it; what one phrase means of several values is said once."""
        said: dict[str, dict[str, str]] = {}  # way of saying it -> the person's words -> what is refused
        for c in constraints:
            if c.op == "excludes":
                facet = self._domain.facets.get(c.field)
                own = (
                    facet is not None and facet.match == "soft" and c.words and bool(HAN.search(c.words)) == (language == "zh")
                )
                words = (self.value_label(c.field, value, language) for value in c.values)
                refused = c.words.lower() if own else join(words, language, "or")
                said.setdefault(_way_to_refuse(facet, language), {}).setdefault(c.words, without_article(refused))
        soft = said.get("without_soft", {})
        texts: list[str] = []
        for way in sorted(said, key=lambda way: (way == "without_soft", way == "unsuited")):
            labels = (label for words, label in said[way].items() if way != "without" or words not in soft)
            if value := join(labels, language, "or"):
                texts.append(way.format(value=value) if "{" in way else load_phrases(language).say(way, value=value))
        return ("，" if language == "zh" else "; ").join(texts)

    def wish_label(self, wish: Wish, language: Language) -> str:
        """The word for a wish."""
        return self.value_label(wish.field, wish.value, language)

    def opening(
        self,
        request: Request,
        profile: Profile,
        kept: Sequence[Constraint],
        relaxed: Sequence[Constraint],
        found: int,
        instead: Sequence[tuple[Constraint, int]] = (),
    ) -> str:
        """The one sentence before the items (or instead of them, when there are none)."""
        language = request.language
        say = load_phrases(language).say
        noun = self._domain.noun[language]
        if not found or relaxed:
            everything = self.wish_parts(replace(request, wishes=(), liked=()), request.constraints)
            if not found:
                drop, count = instead[0] if instead else (None, 0)
                out = self.describe_constraint(drop, language) if drop else ""
                return say("nothing", all=everything, drop=out, count=count)
            dropped = join((self.describe_constraint(c, language) for c in relaxed), language, "and")
            return say("opening_relaxed", all=everything, dropped=dropped, one=found == 1)
        count = write_count(found, language) + noun.measure
        name = noun.one if found == 1 else noun.many
        parts = self.wish_parts(request, kept)
        if request.continues and self._domain.series:
            named = any(c.field == self._domain.series.facet for c in request.constraints)
            return say("opening_next", parts=parts) if named else say("opening_no_series", count=count, noun=name)
        if found < request.count:
            return say("opening_few", count=count, parts=parts, one=found == 1)
        if parts or request.query:
            return say("opening", count=count, noun=name, parts=parts)
        return say("opening_profile" if profile.liked else "opening_first", count=count, noun=name)

    def with_caution(self, opening: str, language: Language) -> str:
        """Add what the domain wants said with every list: behind the opening, or before one that the items complete."""
        care = self._domain.care
        if care is None:
            return opening
        parts = (care.note[language], opening) if opening.endswith((":", "：")) else (opening, care.note[language])
        return ("" if language == "zh" else " ").join(parts)

    def noted(self, request: Request) -> str:
        """What was noted, with a gap after it: it is for somebody else, something is never wanted; empty where nothing was."""
        language = request.language
        gap = "" if language == "zh" else " "
        gift = load_phrases(language).say("noted_gift") + gap if request.gift else ""
        if not request.never:
            return gift
        excluded = (c for c in request.constraints if c.op == "excludes")
        words = {(c.field, str(value)): c.words for c in excluded for value in c.values}  # as they said it
        own = (words.get((field, str(value)), "") or self.value_label(field, value, language) for field, value in request.never)
        values = join(dict.fromkeys(own), language, "or")
        return gift + load_phrases(language).say("noted_never", value=values) + gap

    # -- small talk and answers -------------------------------------------------------------------------------------

    def chat(self, opening: str, language: Language) -> str:
        """Small talk."""
        noun = self._domain.noun[language]
        had = self._domain.had(language)
        values = {"greeting": {"noun": noun.one}, "help": {"noun": noun.many, "one": noun.one, "had": had}}
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
        named = [facet for facet in facets if facet != "text"]
        for facet in self._domain.facets if named and asked else ():
            if hits := [value for value in item.values(facet) if value in asked]:
                words = join((self.value_label(facet, value, language) for value in hits), language, "and")
                return say("answer_listed", title=title, values=words), (f"card.{facet}",)
        known = [facet for facet in named if item.values(facet)]
        plain = [facet for facet in known if self._domain.facets[facet].match == "hard"]
        if plain and not asked:
            said = [
                (self._domain.facets[name].label[language], self._domain.facet_text(item, name, language)) for name in plain
            ]
            more = ("；" if language == "zh" else "; ").join(say("answer_more", label=label, value=v) for label, v in said[1:])
            value = said[0][1] + (("；" if language == "zh" else "; ") + more if more else "")
            return say("answer_facet", title=title, label=said[0][0], value=value), tuple(f"card.{name}" for name in plain)
        if soft := [facet for facet in known if self._domain.facets[facet].match == "soft"]:
            label = self._domain.facets[soft[0]].label[language]
            words = self._domain.facet_text(item, soft[0], language)
            return say("answer_not_listed", title=title, label=label, values=words), (f"card.{soft[0]}",)
        if "text" in facets and item.text(language):
            return say("answer_text", title=title, text=item.text(language)), ("card.summary",)
        facts = join((self._domain.facet_text(item, name, language) for name in self._domain.headline), language)
        return say("answer_unknown", title=title, facts=facts), tuple(
            f"card.{name}" for name in self._domain.headline if item.values(name)
        )


def _way_to_refuse(facet: Facet | None, language: Language) -> str:
    """The phrase in which values of a facet are refused, or the template that the domain has for it."""
    if facet is not None and facet.means == "excludes":
        return "unsuited"
    if facet is not None and facet.match == "soft" and facet.values:
        return "without_soft"
    return (facet.refuse.get(language) if facet is not None else None) or "without"


def _in_template(facet: Facet, value: int | float | str, template: str, language: Language) -> int | float | str:
    """A number as a phrase of the domain wants it: with the sign and unit of its currency unless they stand there."""
    if not isinstance(value, (int, float)):
        return facet.written(value, language)
    signs = [sign for sign in (facet.sign.get(language), facet.unit.get(language) if facet.times else None) if sign]
    bare = not signs or any(sign in template for sign in signs)
    return facet.counted(value, language) if bare else facet.written(value, language)


def _first_of_words(wishes: Sequence[Wish]) -> list[Wish]:
    """One wish a phrase: a phrase that means several values is said once."""
    by_words: dict[str, Wish] = {}
    for wish in wishes:
        by_words.setdefault(wish.words or wish.value, wish)
    return list(by_words.values())
