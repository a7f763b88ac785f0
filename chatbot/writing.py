"""Ranked items to reasons: the model writes, every sentence is checked, and one from the card takes a failed one's place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise

from chatbot.answers import Speaker, join, write_title
from chatbot.cues import load_cues
from chatbot.grounding import Evidence, Grounder
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.types import Language, Profile, Reason, Request
from prompts import load_phrases, load_template
from retrieval.domain import Domain
from retrieval.errors import EngineError
from retrieval.lexical import tokenize
from retrieval.types import Item

logger = logging.getLogger(__name__)
MAX_TOKENS = 90
MAX_WISH = 300  # characters of the message that the prompt repeats
LINES = 2  # sentences of the description that the model reads: fewer to wait for, fewer to mix up


class Writer:
    """Writes the reasons of one catalogue's items."""

    def __init__(
        self, model: LanguageModel, domain: Domain, items: dict[str, Item], grounder: Grounder, speaker: Speaker
    ) -> None:
        """Take the parts; holds no conversation."""
        self._model, self._domain, self._items = model, domain, items
        self._grounder, self._speaker = grounder, speaker

    def prompt(self, item: Item, request: Request) -> Prompt:
        """Write the prompt for one item: what never changes first, so that its computation is reused."""
        language = request.language
        example = self._domain.example[language]
        parts = load_template("reason", language).render(
            noun=self._domain.noun[language].one,
            example_card=example.card.strip(),
            example_wish=example.wish,
            example_reason=example.reason,
            card=self.short_card(item, request),
            wish=self._wish(request),
        )
        return Prompt(parts["system"], parts["user"], ((parts["example.user"], parts["example.assistant"]),))

    @staticmethod
    def _wish(request: Request) -> str:
        wish = "; ".join(text for text in (*reversed(request.context), request.query) if text)
        return (wish or request.text)[:MAX_WISH]

    def _lines(self, item: Item, request: Request) -> str:
        """The sentences of the description that are nearest to the wish, in their order."""
        sentences, order = self._ordered(item, request)
        return ("" if request.language == "zh" else " ").join(sentences[n] for n in sorted(order[:LINES]))

    def _ordered(self, item: Item, request: Request) -> tuple[list[str], list[int]]:
        sentences = description_sentences(item.text(request.language), request.language)
        return sentences, by_nearness(sentences, self._wish(request), request.language, self._domain.noun_words)

    def short_card(self, item: Item, request: Request) -> str:
        """The card as the model reads it: title and headline, the nearest lines of the description."""
        domain, language = self._domain, request.language
        headline = " · ".join(t for name in domain.headline if (t := domain.facet_text(item, name, language)))
        return "\n".join(part for part in (f"{write_title(item, language)} · {headline}", self._lines(item, request)) if part)

    def write(
        self,
        item: Item,
        request: Request,
        profile: Profile,
        said: Sequence[str] = (),
        cancel: threading.Event | None = None,
        notes: list[str] | None = None,
    ) -> Iterator[Reason]:
        """Yield one or two reasons for an item, each proved.

        Args:
            item: to be written about.
            request: whose wish it serves.
            profile: of the person.
            said: the reasons already given for other items of the reply: none may begin like them.
            cancel: stops the model.
            notes: told when the model fails.
        """
        yield self._from_model(item, request, said, cancel, notes) or self.from_card(item, request, said)
        if cancel is not None and cancel.is_set():
            return
        if fit := self._shared(item, request, profile) or self._granted(item, request, len(said)):
            yield fit

    def _from_model(
        self,
        item: Item,
        request: Request,
        said: Sequence[str],
        cancel: threading.Event | None,
        notes: list[str] | None,
    ) -> Reason | None:
        language = request.language
        end = load_cues(language).sentence
        text = ""
        try:
            for piece in self._model.stream(self.prompt(item, request), max_tokens=MAX_TOKENS, stop=["\n"], cancel=cancel):
                text += piece
                if end.search(text.rstrip() if language == "zh" else text[:-1]):
                    break
        except EngineError as error:
            logger.warning("the model failed, a sentence from the card takes its place: %s", error)
            if notes is not None:
                notes.append(f"no sentence by the model: {error}")
            return None
        found = end.search(text)
        sentence = text[: found.end()].strip() if found else ""
        if not sentence:
            return None
        if any(_opening(sentence, language) == _opening(other, language) for other in said):
            logger.debug("opens like another reason: %s", sentence)
            return None
        verdict = self._grounder.check(sentence, Evidence.of(item, request, self._domain, self._lines(item, request)), language)
        if not verdict.supported:
            logger.debug("not shown (%s): %s", verdict.problem, sentence)
            return None
        return Reason(sentence, verdict.sources, "model")

    def from_card(self, item: Item, request: Request, said: Sequence[str] = ()) -> Reason:
        """The sentence of the card's description that is nearest to the wish; without a description, its facts."""
        language = request.language
        taken = {_opening(other, language) for other in said}
        sentences, order = self._ordered(item, request)
        if order:
            best = next((n for n in order if _opening(sentences[n], language) not in taken), order[0])
            return Reason(sentences[best], ("card.summary",), "template")
        known = [name for name in self._domain.headline if item.values(name)]
        facts = join((self._domain.facet_text(item, name, language) for name in known), language)
        text = load_phrases(language).say("answer_text", title=write_title(item, language), text=facts or item.title(language))
        return Reason(text, tuple(f"card.{name}" for name in known) or ("card.title",), "template")

    def _granted(self, item: Item, request: Request, place: int) -> Reason | None:
        """Which of the person's soft wishes the card grants, said by code."""
        language = request.language
        spoken = {name for name, facet in self._domain.facets.items() if facet.values}  # free values make no sentence
        granted = [w for w in request.wishes if w.field in spoken and w.value in item.values(w.field)]
        if not granted:
            return None
        words = join((self._speaker.wish_label(w, language) for w in granted), language, "and")
        text = load_phrases(language).say("listed_as", values=words, place=place)
        return Reason(text, (*dict.fromkeys(f"card.{w.field}" for w in granted), "user.message"), "template")

    def _shared(self, item: Item, request: Request, profile: Profile) -> Reason | None:
        """What the item has in common with one that the person named or liked: themes and people, by code."""
        language = request.language
        named = [i for i in request.liked if i in self._items]
        for liked_id in [*named, *reversed([i for i in profile.liked if i not in named][-5:])]:
            liked = self._items.get(liked_id)
            if liked is None or liked_id == item.id:
                continue
            for name, facet in self._domain.facets.items():
                if facet.type != "people" and (facet.match == "hard" or facet.values):
                    continue
                both = set(item.values(name)) & set(liked.values(name))
                words = [w for w, v in zip(item.label(name, language), item.values(name), strict=False) if v in both]
                if words:
                    text = load_phrases(language).say(
                        "shares", title=write_title(liked, language), values=join(words[:2], language, "and")
                    )
                    source = "user.message" if liked_id in named else f"history.{liked_id}"
                    return Reason(
                        text,
                        (f"card.{name}", f"history.{liked_id}") if source != "user.message" else (f"card.{name}", source),
                        "template",
                    )
        return None


def _opening(sentence: str, language: Language) -> str:
    return sentence[:4] if language == "zh" else " ".join(sentence.lower().split()[:2])


def description_sentences(text: str, language: Language) -> list[str]:
    """Split a description into its sentences."""
    ends = [0, *(match.end() for match in load_cues(language).sentence.finditer(text)), len(text)]
    return [part for start, end in pairwise(ends) if (part := text[start:end].strip())]


def by_nearness(sentences: Sequence[str], wish: str, language: Language, ignore: str = "") -> list[int]:
    """Order the sentences of a description by the words they share with a wish; the first ones on a tie.

    A pronoun costs a later sentence one shared word: quoted alone it may point at nobody. The words of ``ignore`` (what every
    item is) do not count.
    """
    wanted = set(tokenize(wish)) - set(tokenize(ignore))
    pronoun = load_cues(language).pronoun

    def nearness(n: int) -> int:
        return len(wanted & set(tokenize(sentences[n]))) - (1 if n and pronoun.search(sentences[n]) else 0)

    return sorted(range(len(sentences)), key=lambda n: (-nearness(n), n))
