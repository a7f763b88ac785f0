"""Why an item is for this person, and where it falls short, said by code from the card, their words and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.answers import Speaker
from chatbot.clauses import HAN
from chatbot.interests import Interests
from chatbot.interests.tastes import name_tastes
from chatbot.types import Language, Profile, Reason, Request
from chatbot.written import join, write_title
from prompts import load_phrases
from retrieval.constraints import satisfies
from retrieval.domain import PEOPLE, Domain
from retrieval.facet import Facet
from retrieval.types import Constraint, FacetValue, Item, Wish

HISTORY = 5  # the latest likes that are compared, where the conversation names no model
NOTHING = Interests()
WORDS = 2  # values that an item shares with another: more make a list, not a reason


@dataclass(frozen=True, slots=True)
class Fitting:
    """Says for one catalogue how an item meets a request. Holds no state of a conversation."""

    domain: Domain
    items: Mapping[str, Item]
    speaker: Speaker

    def fits(
        self, item: Item, request: Request, profile: Profile, place: int = 0, interests: Interests = NOTHING
    ) -> Reason | None:
        """Say which of their words an item grants, or what it shares with what they named or like; None where nothing.

        Args:
            item: recommended.
            request: whose wish it serves.
            profile: of the person: the latest likes count where the request names no model.
            place: of the item in the reply: each place has its own phrase.
            interests: of the same person: one of them is the last reason, where there is no other.
        """
        language = request.language
        say = load_phrases(language).say
        granted, missing, sources = self._wished(item, request)
        title, common, shared_sources = self._shared(item, request, profile)
        shared = join(common, language, "and")
        if granted:
            words, lacking = join(granted, language, "and"), join(missing, language, "or")
            text = say("fits", values=words, place=place, missing=lacking, shared=shared, title=title)
            return Reason(text, tuple(dict.fromkeys((*sources, "user.message", *shared_sources))), "template")
        if shared:
            return Reason(say("shares", title=title, values=shared, place=place), shared_sources, "template")
        return self._within(item, request, place) or self._drawn(item, interests, language, place)

    def falls_short(self, item: Item, request: Request, relaxed: Sequence[Constraint], place: int = 0) -> Reason | None:
        """Say where an item breaks what was asked: of the relaxed constraints the first that it does not keep."""
        language = request.language
        say = load_phrases(language).say
        for constraint in relaxed:
            if satisfies(item, constraint, self.domain):
                continue
            facet = self.domain.facets.get(constraint.field)
            source = (f"card.{constraint.field}", "user.message") if facet else ("card.title", "user.message")
            if facet and constraint.op in ("min", "max") and item.values(constraint.field):
                return Reason(self._number("outside", item, constraint.field, language, place), source, "template")
            wanted = self.speaker.describe_constraint(constraint, language)
            return Reason(say("not_listed", values=wanted, place=place), source, "template")
        return None

    # -- what their words ask for -----------------------------------------------------------------------------------

    def _wished(self, item: Item, request: Request) -> tuple[list[str], list[str], list[str]]:
        """Labels of the wishes that the card grants and of those that it does not, and the sources of the former.

        What one phrase means is one wish: any of its values grants it. Free values make no sentence. A card that lists nothing
        of a facet does not lack it.
        """
        phrases: dict[str, list[Wish]] = {}
        for wish in request.wishes:
            facet = self.domain.facets.get(wish.field)
            if facet and facet.values and item.values(wish.field):
                phrases.setdefault(wish.words.lower() or str(wish.value), []).append(wish)
        granted: list[str] = []
        missing: list[str] = []
        sources: list[str] = []
        for wishes in phrases.values():
            met = [w for w in wishes if w.value in item.values(w.field)]
            granted += [self.speaker.wish_label(w, request.language) for w in met]
            missing += [] if met else [self.speaker.wish_label(wishes[0], request.language)]
            sources += [f"card.{w.field}" for w in met]
        return granted, missing, sources

    def _within(self, item: Item, request: Request, place: int) -> Reason | None:
        """Name what the card has of the demands: a number inside its bounds, a person, a kind."""
        language = request.language
        say = load_phrases(language).say
        series = self.domain.series
        if request.continues and series and any(c.field == series.facet for c in request.constraints):
            name = self.domain.facet_text(item, series.facet, language)
            return Reason(
                say("next_in", series=name, place=place), (f"card.{series.facet}", f"card.{series.number}"), "template"
            )
        bounds: dict[str, list[Constraint]] = {}
        for constraint in request.constraints:
            facet = self.domain.facets.get(constraint.field)
            if facet and facet.type != "year" and constraint.op in ("min", "max"):
                bounds.setdefault(constraint.field, []).append(constraint)
        for field, asked in bounds.items():
            if all(satisfies(item, constraint, self.domain) for constraint in asked):
                exact = len({c.op for c in asked}) == 2 and len({c.value for c in asked}) == 1
                text = self._number("exactly" if exact else "within", item, field, language, place)
                return Reason(text, (f"card.{field}", "user.message"), "template")
        if place:  # the reply's first sentence names the kinds: once more is enough
            return None
        words: list[str] = []
        sources: list[str] = []
        for constraint in (c for c in request.constraints if c.op in ("includes", "any_of")):
            for name in self.domain.people_facets if constraint.field == PEOPLE else (constraint.field,):
                met = [v for v in constraint.values if v in item.values(name)]
                if met and self.speaker.of_companions(name):
                    together = self.speaker.value_label(name, met[0], language)
                    return Reason(say("together", title=together, place=place), (f"card.{name}", "user.message"), "template")
                own = met and len(constraint.values) > 2 and bool(HAN.search(constraint.words)) == (language == "zh")
                words += [constraint.words] if own else [self.speaker.value_label(name, v, language) for v in met]
                sources += [f"card.{name}"] if met else []
        if not words:
            return None
        text = say("fits", values=join(words, language, "and"), place=place, missing="", shared="", title="")
        return Reason(text, (*dict.fromkeys(sources), "user.message"), "template")

    def _number(self, phrase: str, item: Item, field: str, language: Language, place: int) -> str:
        """Say a phrase about an item's number: with its label, or in its own words where the label is no noun."""
        facet, say = self.domain.facets[field], load_phrases(language).say
        if told := next((facet.told(value, language) for value in item.values(field)), ""):
            return say(f"{phrase}_told", told=told, place=place)
        return say(phrase, label=facet.label[language], value=self.domain.facet_text(item, field, language), place=place)

    # -- what they like ---------------------------------------------------------------------------------------------

    def _shared(self, item: Item, request: Request, profile: Profile) -> tuple[str, list[str], tuple[str, ...]]:
        """The title of a named or liked item, what the two share, and the sources; people first, then free values."""
        language = request.language
        named = [i for i in request.liked if i in self.items]
        for liked_id in [*named, *reversed([i for i in profile.liked if i not in named][-HISTORY:])]:
            liked = self.items.get(liked_id)
            if liked is None or liked_id == item.id:
                continue
            for name, facet in self.domain.facets.items():
                if words := self._common(item, liked, name, facet, language):
                    source = "user.message" if liked_id in named else f"history.{liked_id}"
                    return write_title(liked, language), words, (f"card.{name}", source)
        return "", [], ()

    def _drawn(self, item: Item, interests: Interests, language: Language, place: int) -> Reason | None:
        """Say of what kind an item is that the person is drawn to, and name one of theirs that is of it too."""
        for interest in interests.interests:
            tastes = name_tastes((t for t in interest.tastes if t.value in item.values(t.field)), self.domain)
            known = [self.items[i] for i in interest.items if i in self.items and i != item.id]
            models = [k for k in known if all(t.value in k.values(t.field) for t in tastes)]
            if models and (len(tastes) > 1 or any(t.telling for t in tastes)):
                kind = self.speaker.describe_kind([(t.field, t.value) for t in tastes], language, one=True)
                model = models[place % len(models)]
                text = load_phrases(language).say("drawn", values=kind, title=write_title(model, language), place=place)
                sources = dict.fromkeys(f"card.{t.field}" for t in tastes)
                return Reason(text, (*sources, f"history.{model.id}"), "template")
        return None

    @staticmethod
    def _common(item: Item, liked: Item, name: str, facet: Facet, language: Language) -> list[str]:
        if facet.type != "people" and (facet.match == "hard" or facet.values):
            return []
        both: set[FacetValue] = set(item.values(name)) & set(liked.values(name))
        labels = zip(item.label(name, language), item.values(name), strict=False)
        return [label for label, value in labels if value in both][:WORDS]
