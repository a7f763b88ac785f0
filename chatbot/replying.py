"""What is said without a model: small talk, answers, comparisons, questions back, and what is kept of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.answers import Speaker
from chatbot.clarifying import Clarification, Option
from chatbot.comparing import Comparison
from chatbot.policy import REFERENCE, Action
from chatbot.questions import asked_facets
from chatbot.types import Language, Profile, Question, Request
from chatbot.written import join, write_title
from prompts import load_phrases
from retrieval.domain import Domain
from retrieval.types import Item

MAX_WHICH = 4  # items that a question back names
MAX_TITLES = 5  # of each kind when it is said what is kept


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, what is asked with it, and what it rests on, for the notes of the turn."""

    text: str
    question: Question | None = None
    note: str = ""


class Replier:
    """Says the replies that have no items. Holds no state of a conversation."""

    def __init__(self, domain: Domain, items: Mapping[str, Item], speaker: Speaker) -> None:
        """Take the catalogue and who says its words."""
        self._domain, self._items, self._speaker = domain, items, speaker

    def reply(self, action: Action, request: Request, profile: Profile) -> Reply:
        """Reply to a request by an action other than recommending."""
        care = self._domain.care
        match action:
            case "which":
                return self._which(request)
            case "answer":
                return self._answer(request)
            case "compare":
                return self._compare(request)
            case "profile":
                return Reply(self._profile(request, profile))
            case "out_of_scope" if request.opening == "advice" and care:
                return Reply(care.refer[request.language])
            case "unsafe" if request.opening == "urgent" and care:
                return Reply(care.urgent.get(request.language) or care.refer[request.language])
            case "out_of_scope":
                name = "out_of_scope_instructions" if request.opening == "instructions" else "out_of_scope"
                return Reply(self._say_noun(name, request.language))
            case "unsafe":
                name = "unsafe_harm" if request.opening == "harm" else "unsafe_self_harm"
                return Reply(load_phrases(request.language).say(name))
            case _:
                return Reply(self._speaker.chat(request.opening or "ok", request.language))

    def _say_noun(self, name: str, language: Language) -> str:
        """Say a phrase that names the catalogue's things, each form where it asks for it."""
        noun = self._domain.noun[language]
        one, many = noun.measure + noun.one, noun.many
        forms = {"which_two": {"many": noun.measure + many}, "out_of_scope_instructions": {"one": one, "many": many}}
        forms |= {"profile_empty": {"one": one, "had": self._domain.had(language)}}
        return load_phrases(language).say(name, **forms.get(name, {"one": one}))

    # -- questions back ---------------------------------------------------------------------------------------------

    def _which(self, request: Request) -> Reply:
        """Ask which of several items is meant."""
        items = [self._items[i] for i in request.ambiguous if i in self._items][:MAX_WHICH]
        titles = [write_title(item, request.language) for item in items]
        options = _alternatives(titles, request.language)
        plain = tuple(item.title(request.language) for item in items) if request.language == "en" else tuple(titles)
        question = Question(REFERENCE, plain, tuple(item.id for item in items))
        return Reply(load_phrases(request.language).say("which", options=options.rstrip("?")), question, "asked which is meant")

    def clarify(self, found: Clarification, language: Language) -> Reply:
        """Ask what tells most of what the person wants."""
        labels = [self._option_label(option, language) for option in found.options]
        noun = self._domain.noun[language]
        options = _alternatives(labels, language)
        text = load_phrases(language).say("clarify", options=options, one=noun.measure + noun.one)
        values = tuple(value for option in found.options for value in option[0].values[:1])
        note = f"asked about {found.about}, which tells {found.gain:.2f} bits"
        return Reply(text, Question(found.about, tuple(labels), values), note)

    def _option_label(self, option: Option, language: Language) -> str:
        first = option[0]
        if len(option) > 1:
            return load_phrases(language).say("decade", value=first.value)
        return self._speaker.describe_together(option, language)

    # -- about items ------------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Reply:
        named = next((i for i in (*request.named, *request.ambiguous) if i in self._items), None)
        if named is None or request.intent == "compare":
            return Reply(self._say_noun("which_two" if request.intent == "compare" else "which_item", request.language))
        facets = asked_facets(request.answers or request.text, request.language, self._domain)
        facets = facets or tuple(dict.fromkeys(wish.field for wish in request.asked if wish.field in self._domain.facets))
        asked = [wish.value for wish in request.asked]
        text, sources = self._speaker.answer(self._items[named], facets, asked, request.language)
        return Reply(text, note=f"answered from {named}: {', '.join(sources)}")

    def _compare(self, request: Request) -> Reply:
        items = [self._items[i] for i in request.named if i in self._items]
        facets = asked_facets(request.answers or request.text, request.language, self._domain)
        comparison = Comparison(items, self._domain, self._speaker, request.language)
        text, sources = comparison.answer(request.text, facets, request.asked)
        return Reply(text, note=f"compared {', '.join(item.id for item in items)}: {', '.join(sources)}")

    # -- about the person -------------------------------------------------------------------------------------------

    def _profile(self, request: Request, profile: Profile) -> str:
        say, language = load_phrases(request.language).say, request.language
        if request.opening == "erase":
            return say("profile_erase")
        if request.opening == "forget":
            return self._forget(request, profile)
        kept = {"profile_liked": profile.liked, "profile_disliked": profile.disliked, "profile_seen": profile.seen}
        lines = [line for line in (self._kept(name, ids, language) for name, ids in kept.items()) if line]
        if not lines:
            return self._say_noun("profile_empty", language)
        gap = "" if language == "zh" else " "
        return "\n".join([*lines[:-1], lines[-1] + gap + say("profile_page")])

    def _kept(self, name: str, ids: Sequence[str], language: Language) -> str:
        known = [i for i in reversed(ids) if i in self._items]  # the latest first
        if not known:
            return ""
        rest = len(known) - MAX_TITLES
        more = f"{rest}{self._domain.noun[language].measure}" if rest > 0 else ""
        had = {"had": self._domain.had(language)} if name == "profile_seen" else {}
        return load_phrases(language).say(name, titles=self._speaker.titles(known, language, MAX_TITLES), more=more, **had)

    def _forget(self, request: Request, profile: Profile) -> str:
        language = request.language
        if not request.named:
            return self._say_noun("profile_forget_which", language)
        kept = forgettable(request, profile)
        name, ids = ("profile_forgotten", kept) if kept else ("profile_not_kept", request.named)
        return load_phrases(language).say(name, titles=self._speaker.titles(ids, language, len(ids)))


def forgettable(request: Request, profile: Profile) -> tuple[str, ...]:
    """The items of a request to forget of which something is kept."""
    kept = {*profile.liked, *profile.disliked, *profile.seen}
    forgets = request.intent == "profile" and request.opening == "forget"
    return tuple(i for i in request.named if i in kept) if forgets else ()


def _alternatives(words: Sequence[str], language: Language) -> str:
    """Offer words to choose from."""
    if language == "zh" and len(words) > 1:
        return f"{'、'.join(words[:-1])}还是{words[-1]}"
    return join(words, language, "or")
