"""Request and conversation to action. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chatbot.types import Conversation, Profile, Request

Action: TypeAlias = Literal["recommend", "ask", "which", "answer", "compare", "chat", "profile", "out_of_scope", "unsafe"]
REFERENCE = "reference"  # what a question is about that asks which item is meant
MAX_IN_A_ROW = 2  # questions; after them comes an answer, however little there is to go on


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conversation and the profile add to a request.

    Attributes:
        knows_likes: the profile holds liked items.
        questions: what each turn so far asked about, oldest first; empty where it asked nothing.
        usual_count: of items, where the message does not say.
    """

    knows_likes: bool = False
    questions: tuple[str, ...] = ()
    usual_count: int = 3

    @property
    def asked(self) -> frozenset[str]:
        """The facets that this conversation has asked about."""
        return frozenset(self.questions) - {"", REFERENCE}

    @property
    def in_a_row(self) -> int:
        """How many of the last turns asked something."""
        last = [n for n, about in enumerate(reversed(self.questions)) if not about]
        return last[0] if last else len(self.questions)


def facts_of(conversation: Conversation, profile: Profile, usual_count: int) -> Facts:
    """Read the facts from the records of a conversation."""
    questions = [turn.record.get("question") for turn in conversation.turns]
    return Facts(bool(profile.liked), tuple(str(question["about"]) if question else "" for question in questions), usual_count)


def decide(request: Request, facts: Facts = Facts()) -> Action:
    """Choose what to do about a request.

    ``which`` asks which of several shown items is meant; ``ask`` asks about a facet, if one tells enough, and else
    recommends (:func:`chatbot.clarifying.clarify`).
    """
    if request.ambiguous and not request.named and facts.in_a_row < MAX_IN_A_ROW:
        return "which"
    match request.intent:
        case "chat" | "profile" | "out_of_scope" | "unsafe":
            return request.intent
        case "ask_item":
            return "answer"
        case "react" if request.opening == "wanted":  # who has chosen wants no more
            return "chat"
        case "compare":
            return "compare" if len(request.named) > 1 else "answer"
        case _:
            return "ask" if _may_ask(request, facts) else "recommend"


def _may_ask(request: Request, facts: Facts) -> bool:
    """Whether there is so little to go on that a question helps more than items would.

    Not where the last turn asked about a facet: who answers without a wish does not care. Not where a number of items, or
    "surprise me", asks for items.
    """
    something = request.constraints or request.wishes or request.liked or request.disliked or request.seen or request.stated
    told = something or request.named or request.query or request.context or facts.knows_likes
    wants_items = request.eager or request.count != facts.usual_count or request.intent != "recommend"
    answered = bool(facts.questions and facts.questions[-1] not in ("", REFERENCE))
    return not (told or wants_items or answered) and facts.in_a_row < MAX_IN_A_ROW
