"""Turns the records of the inside into what goes over the wire. Pure: what was stored is told as it was told live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.api.models import (
    CardsEvent,
    ChatAnswer,
    ChatEvent,
    ConstraintIn,
    DoneEvent,
    ItemCard,
    Offered,
    QuestionOut,
    ReasonOut,
    SourcesEvent,
    StateEvent,
    TextEvent,
)
from chatbot.api.models_people import ConversationAnswer, ConversationHeading, ErasedAnswer, ProfileAnswer, ProfileLine
from chatbot.records import item_record, turn_record
from chatbot.types import Cards, Conversation, Done, Heading, Language, Profile, Stage, Text, TurnEvent
from retrieval.types import Constraint, Item

if TYPE_CHECKING:
    from chatbot.erasing import Erased
    from chatbot.portrait import Line

Items = Mapping[str, Item]
CUT = "stopped"  # the note of a turn that was called off
FAILED = "failed:"  # how the note of a turn begins that an error ended


def card_of(item: Item, language: str) -> ItemCard:
    """Return an item as its card, titled and told in a language."""
    facets: Any = {name: list(item.values(name)) for name in item.facets}
    return ItemCard(
        id=item.id, title=item.title(language), titles=dict(item.titles), facets=facets, summary=item.text(language)
    )


def offered_of(record: Mapping[str, Any], items: Items, language: str) -> Offered:
    """Return an item of a list from its record; one that has left the catalogue is there with its title alone."""
    item = items.get(record["id"])
    return Offered(
        item=card_of(item, language) if item else ItemCard(id=record["id"], title=record["title"]),
        rank=record["rank"],
        score=record["score"],
        reasons=[ReasonOut(**reason) for reason in record["reasons"]],
        channels=record["channels"],
        shares=record.get("shares", {}),  # older records have neither these
        checks=record.get("checks", []),  # nor these
    )


def demand_of(asked: ConstraintIn) -> Constraint:
    """Return a constraint of a client as one of ours; the catalogue has not been asked whether it can be."""
    value: Any = tuple(asked.value) if isinstance(asked.value, list) else asked.value
    return Constraint(asked.field, asked.op, value)


def answer_of(record: Mapping[str, Any], items: Items) -> ChatAnswer:
    """Return a turn from its record, as :func:`chatbot.records.turn_record` writes it."""
    language, question = record["language"], record.get("question")
    return ChatAnswer(
        turn=record["turn_id"],
        conversation=record["conversation"],
        user=record["user"],
        language=language,
        intent=record["request"]["intent"],
        opening=record["opening"],
        items=[offered_of(entry, items, language) for entry in record["items"]],
        reply=record["reply"],
        question=QuestionOut(about=question["about"], options=question["options"]) if question else None,
        held=[entry["label"] for entry in record.get("held", [])],
        suggestions=list(record.get("suggestions", [])),
        notes=list(record["notes"]),
        timings_ms=record["timings_ms"],
        model=record["model"],
    )


def is_whole(record: Mapping[str, Any]) -> bool:
    """Whether a stored turn was neither cut nor ended by an error."""
    return not any(note == CUT or note.startswith(FAILED) for note in record["notes"])


def events_of(event: TurnEvent, items: Items, language: Language | None) -> Iterator[ChatEvent]:
    """Yield what one event of a turn is on the wire.

    Args:
        event: of the pipeline.
        items: of the catalogue.
        language: of the turn as far as it is known.
    """
    match event:
        case Stage():
            yield StateEvent(stage=event.name, place=event.place, language=event.language or language)
        case Cards():
            shown = [offered_of(item_record(entry, language or "en"), items, language or "en") for entry in event.items]
            yield CardsEvent(items=shown, settled=event.settled, opening=event.opening)
        case Text():
            yield from said(event.delta, event.item, event.sources, event.written_by)
        case Done():
            yield DoneEvent(answer=answer_of(turn_record(event.turn), items))


def said(delta: str, item: str | None, sources: Sequence[str], written_by: str) -> Iterator[ChatEvent]:
    """Yield a text, and what it rests on where it is of an item."""
    yield TextEvent(delta=delta, item=item)
    if item is not None and written_by:
        author: Any = written_by
        yield SourcesEvent(item=item, text=delta.strip(), sources=list(sources), written_by=author)


def replayed(answer: ChatAnswer) -> Iterator[ChatEvent]:
    """Yield the events of a turn that is over, in the order in which it told them; without the stages it went through."""
    if answer.items:
        bare = [entry.model_copy(update={"reasons": []}) for entry in answer.items]
        yield CardsEvent(items=bare, settled=True, opening=answer.opening)
    else:
        yield TextEvent(delta=answer.opening)
    gap = " " if answer.language == "en" else ""
    for entry in answer.items:
        for n, reason in enumerate(entry.reasons):
            yield from said((gap if n else "") + reason.text, entry.item.id, reason.sources, reason.written_by)
    yield DoneEvent(answer=answer)


def heading_of(heading: Heading) -> ConversationHeading:
    """Return a line of a list of conversations."""
    return ConversationHeading(id=heading.id, title=heading.title, said=heading.said, turns=heading.turns, used=heading.used)


def conversation_of(conversation: Conversation) -> ConversationAnswer:
    """Return a conversation with the records of its turns."""
    turns = [{"id": t.id, "at": t.at, "message": t.message, "record": dict(t.record)} for t in conversation.turns]
    return ConversationAnswer(id=conversation.id, turns=turns)


def profile_of(profile: Profile, lines: Iterable[Line], share: bool | None) -> ProfileAnswer:
    """Return what is known of a person; lines that cannot be taken back have no id."""
    shown = [
        ProfileLine(id=line.key if line.takes_back else "", kind=line.kind, text=line.text, sources=list(line.sources))
        for line in lines
    ]
    return ProfileAnswer(
        user=profile.user,
        liked=list(profile.liked),
        disliked=list(profile.disliked),
        seen=list(profile.seen),
        answered=list(profile.answered),
        saved=list(profile.saved),
        lines=shown,
        share=share,
    )


def erased_of(erased: Erased, data: Path | None) -> ErasedAnswer:
    """Return what was erased; files are named as they lie below the folder of the data."""
    traces = [str(path.relative_to(data)) if data and path.is_relative_to(data) else path.name for path in erased.traces]
    return ErasedAnswer(events=erased.events, turns=erased.turns, logged=erased.logged, traces=traces)
