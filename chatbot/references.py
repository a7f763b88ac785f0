"""Words that point at what was shown: "the second one", "that Korean one", 最长的那部, 它. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chatbot.clauses import HAN
from chatbot.cues import Cues
from chatbot.lexicon import Lexicon
from chatbot.quantities import find_bounds, number
from chatbot.types import Language
from retrieval.days import as_number
from retrieval.domain import PEOPLE, Domain
from retrieval.titles import Mention
from retrieval.types import Item

_NUMBERS = ("two", "three", "2", "3", "两", "二", "三")
_WORD = re.compile(r"[a-zà-ÿ'’-]{3,}", re.IGNORECASE)
_STEM, _SHORT_STEM = 5, 4  # letters by which two forms of a word are one; of a word that is no longer ("foodie", food)


@dataclass(frozen=True, slots=True)
class Pointing:
    """A stretch of text that means shown items.

    Attributes:
        start, end: of the text.
        items: ids, in the order in which they were shown.
        ambiguous: whether one of them is meant and nothing says which.
        pronoun: whether it is no more than "it", which need not point at anything.
    """

    start: int
    end: int
    items: tuple[str, ...]
    ambiguous: bool = False
    pronoun: bool = False


@dataclass(frozen=True, slots=True)
class Pointer:
    """Finds pointing words in the messages of one catalogue.

    Attributes:
        domain: its facets.
        lexicon: the words for their values.
    """

    domain: Domain
    lexicon: Lexicon

    def find(
        self,
        text: str,
        language: Language,
        cues: Cues,
        shown: Sequence[Item],
        latest: str | None,
        mentions: Sequence[Mention] = (),
        judged: Collection[str] = (),
    ) -> list[Pointing]:
        """Return what points at shown items, the longest where two overlap, in the order of the text.

        Args:
            text: a message in which names are masked.
            language: of the message.
            cues: of the language.
            shown: the items shown last, in their order; without any nothing points.
            latest: the item that was spoken of last, which "it" means; None: none.
            mentions: the names that are masked: "the one with Tom Hanks".
            judged: items that were spoken of before, which "the other one" is not.
        """
        if not shown:
            return []
        found = [
            *self._ordinals(text, cues, shown),
            *self._groups(text, cues, shown, latest, mentions, judged),
            *self._extremes(text, language, cues, shown),
            *self._described(text, language, cues, shown, mentions),
            *self._by_people(text, cues, shown, mentions),
        ]
        titles = [m for m in mentions if m.kind == "item"]
        found += _pronouns(text, cues, shown, latest, [*found, *titles])
        found = [p for p in found if not any(p.start < m.end and m.start < p.end for m in titles)]
        taken: list[Pointing] = []
        for pointing in sorted(found, key=lambda p: (p.start - p.end, p.start)):
            if all(pointing.end <= t.start or pointing.start >= t.end for t in taken):
                taken.append(pointing)
        return sorted(taken, key=lambda p: p.start)

    def _ordinals(self, text: str, cues: Cues, shown: Sequence[Item]) -> list[Pointing]:
        pointings: list[Pointing] = []
        for found in cues.point_ordinal.finditer(text):
            word = next(group for group in found.groups() if group).lower()
            place = cues.ordinals.get(word)
            if place == 0:  # the middle one
                place = (len(shown) + 1) // 2 if len(shown) % 2 else None
            if place is not None and abs(place) <= len(shown):
                bare = found.lastindex == len(found.groups())  # "seen 1": the verb before it is no part of it
                start = found.start(found.lastindex or 0) if bare else found.start()
                pointings.append(Pointing(start, found.end(), (shown[place - 1 if place > 0 else place].id,)))
        return pointings

    def _groups(
        self,
        text: str,
        cues: Cues,
        shown: Sequence[Item],
        latest: str | None,
        mentions: Sequence[Mention],
        judged: Collection[str],
    ) -> list[Pointing]:
        """Find "both", "the first two", "the other two", 前两部, 剩下两部, 另一部: several at once, or all but some."""
        pointings: list[Pointing] = []
        for found in cues.point_several.finditer(text):
            side, count, chosen = found["side"], found["count"] or found["n"] or found["m"], list(shown)
            n = int(number(count)) if count and count in _NUMBERS else len(shown)
            if count is None and cues.point_both.match(found[0]):
                n = 2
            if side:
                chosen = chosen[:n] if cues.ordinals.get(side.lower(), -1) > 0 else chosen[-n:]
            elif found.groupdict().get("rest"):
                apart = {i for p in self._ordinals(text, cues, shown) for i in p.items} | {m.target for m in mentions}
                rest = [item for item in chosen if item.id not in apart]
                chosen = rest if len(rest) < len(chosen) else [item for item in chosen if item.id != latest]
                if len(chosen) > (n if count else 1):
                    chosen = [item for item in chosen if item.id not in judged] or chosen
                if count and n != len(chosen):
                    continue
                if not count and len(chosen) > 1:
                    pointings.append(Pointing(*found.span(), tuple(item.id for item in chosen), ambiguous=True))
                    continue
            elif n != len(shown):
                continue
            pointings.append(Pointing(*found.span(), tuple(item.id for item in chosen)))
        return pointings

    def _extremes(self, text: str, language: Language, cues: Cues, shown: Sequence[Item]) -> list[Pointing]:
        """Find "the longest": the shown item with the largest or smallest number of a facet."""
        pointings: list[Pointing] = []
        for name, facet in self.domain.facets.items():
            for words, choose, cue in (
                (facet.least, min, cues.point_extreme),
                (facet.most, max, cues.point_extreme),
                (facet.less, min, cues.point_lesser),
                (facet.more, max, cues.point_lesser),
            ):
                forms = list(words.get(language, ()))
                if cue is cues.point_lesser:
                    forms += sorted({cues.degree.sub("", word) for word in forms} - {*forms, ""})
                said = "|".join(map(re.escape, forms))
                for found in re.finditer(cue.pattern.replace("WORDS", said), text, re.IGNORECASE) if said else ():
                    numbers = {item.id: v for item in shown for own in item.values(name) if (v := as_number(own)) is not None}
                    if numbers:
                        best = choose(numbers.values())
                        ids = tuple(i for i, value in numbers.items() if value == best)
                        pointings.append(Pointing(*found.span(), ids, len(ids) > 1))
        return pointings

    def _described(
        self, text: str, language: Language, cues: Cues, shown: Sequence[Item], mentions: Sequence[Mention]
    ) -> list[Pointing]:
        """Find "the Korean one", "the one with the dog": the shown items whose card has it."""
        pointings: list[Pointing] = []
        for found in cues.point_described.finditer(text):
            parts = found.groupdict()
            words = " ".join(group for group in found.groups() if group and group != parts.get("several")).strip()
            people = {m.target for m in mentions if m.kind == PEOPLE and found.start() <= m.start < found.end()}
            kind = parts.get("kind")  # "the whodunit": a word of the lexicon and nothing else
            if kind and not any(m.end - m.start == len(kind) for m in self.lexicon.find(kind, language)):
                continue
            ids = self._holders(words, people, language, cues, shown) if words else ()
            if (ids and len(ids) < len(shown)) or len(ids) == 1:
                start = found.start("kind") if kind else found.start()
                several = parts.get("several")  # 爱尔兰那两部
                if several and len(ids) != int(number(several)):
                    continue
                pointings.append(Pointing(start, found.end(), ids, len(ids) > 1 and not several))
        return pointings

    def _by_people(self, text: str, cues: Cues, shown: Sequence[Item], mentions: Sequence[Mention]) -> list[Pointing]:
        """Find "the Kurosawa", 王家卫这部: a person who has a part in one of them."""
        pointings: list[Pointing] = []
        for m in mentions:
            before = next((b for b in cues.point_before.finditer(text) if b.end() == m.start), None)
            after = cues.point_after.match(text, m.end)
            if m.kind == PEOPLE and (before or after):
                ids = tuple(item.id for item in shown if m.target in self._people(item))
                if len(ids) == 1 or (ids and after and len(ids) < len(shown)):
                    span = before.start() if before else m.start, after.end() if after else m.end
                    several = bool(after and "several" in after.re.groupindex and after["several"])
                    pointings.append(Pointing(*span, ids, len(ids) > 1 and not several))
        return pointings

    def _holders(self, words: str, people: set[str], language: Language, cues: Cues, shown: Sequence[Item]) -> tuple[str, ...]:
        left, asked = words, bool(people)
        kept = [item for item in shown if people <= self._people(item)]
        for match in self.lexicon.find(words, language):
            targets = [t for t in match.targets if t.values and not t.negated_only]
            if targets:
                having = [i for i in kept if any(set(map(str, i.values(t.facet))) & set(t.values) for t in targets)]
                if not having and all(self.domain.facets[t.facet].match == "soft" for t in targets):
                    continue  # a theme that no card names may still be told in a text
                asked, kept = True, having
                left = left.replace(words[match.start : match.end], " ")
        for bound in find_bounds(words):
            if bound.kind == "year" and isinstance(bound.value, int):
                asked = True
                kept = [i for i in kept if _holds(i, self._year, bound.op, bound.value)]
                left = left.replace(words[bound.start : bound.end], " ")
        scores = {item.id: self._overlap(left, item, language, cues) for item in kept}
        best = max(scores.values(), default=0)
        if best:
            return tuple(i for i, score in scores.items() if score == best)
        return tuple(item.id for item in kept) if asked else ()

    def _people(self, item: Item) -> set[str]:
        return {str(value) for name in self.domain.people_facets for value in item.values(name)}

    @property
    def _year(self) -> str:
        return next((name for name, facet in self.domain.facets.items() if facet.type == "year"), "")

    def _overlap(self, words: str, item: Item, language: Language, cues: Cues) -> float:
        """How many of the words stand on an item's card."""
        labels = " ".join(label for name in item.facets for label in item.label(name, language))
        card = f"{item.title(language)} {item.text(language)} {labels}".lower()
        if language == "zh":
            runs = ("".join(HAN.findall(run)) for run in cues.point_common.split(words))
            parts = {run[k : k + n] for run in runs for n in range(1, len(run) + 1) for k in range(len(run) - n + 1)}
            named = f"{item.title(language)} {labels}".lower()  # what stands there is what the item is of
            return max((len(part) + (0.5 if part in named else 0) for part in parts if part in card), default=0)
        stems = {word[:_STEM] for word in _WORD.findall(card)}
        asked = [word.lower() for word in _WORD.findall(cues.point_common.sub(" ", words))]
        return sum(any(word[:n] in stems for n in range(_SHORT_STEM, _STEM + 1)) or word in stems for word in asked)


def _holds(item: Item, facet: str, op: str, value: float) -> bool:
    values = [v for v in item.values(facet) if isinstance(v, (int, float))]
    return bool(values) and all(v >= value if op == "min" else v <= value for v in values)


def _pronouns(
    text: str, cues: Cues, shown: Sequence[Item], latest: str | None, others: Sequence[Pointing | Mention]
) -> list[Pointing]:
    """Find "it": that is what was spoken of last, or the only one shown; else any of them.

    Not beside other words that point, nor after a title, which is then what it means ("Heat? Seen it").
    """
    if any(isinstance(other, Pointing) and not other.ambiguous for other in others):
        return []
    ids = (latest,) if latest else tuple(item.id for item in shown)
    first = min((other.end for other in others if isinstance(other, Mention)), default=len(text))
    return [Pointing(*m.span(), ids, len(ids) > 1, pronoun=True) for m in cues.it.finditer(text) if m.start() < first][:1]
