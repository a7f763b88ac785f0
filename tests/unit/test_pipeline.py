"""A whole turn with scripted parts: its events, its promises, its failures, its memory."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.llm.scripted import ScriptedModel
from chatbot.reranking import Poll
from chatbot.store import InMemoryUserStore
from chatbot.turnstile import Turnstile
from chatbot.types import Cards, Conversation, Done, Profile, Request, Stage, Text
from chatbot.written import write_title
from retrieval.calibration import shares
from retrieval.errors import EngineError, MessageError, SettingsError, StoreError
from retrieval.events import Event
from retrieval.titles import NameIndex
from retrieval.types import Constraint, Wish

WISH = "a quiet film about space, no horror"
WISH_ZH = "想看安静的太空片，不要恐怖片"


class Talk:
    """One person's conversation with a pipeline; what is said is remembered by the store alone."""

    def __init__(self, pipeline, user="ann", conversation="c"):
        self.pipeline, self.user, self.name = pipeline, user, conversation

    @property
    def conversation(self) -> Conversation:
        return self.pipeline.store.load(self.name, self.user)

    def events(self, message, **options):
        return list(self.pipeline.respond(message, self.conversation, self.pipeline.profile(self.user), **options))

    def say(self, message, **options):
        return self.events(message, **options)[-1].turn

    def did(self, kind, item, text=""):
        self.pipeline.learn(Event(self.user, kind, item, text))


def told(recommendation):
    """The reason that tells what to expect, if it was given."""
    return next((reason for reason in recommendation.reasons if reason.sources[0] == "card.summary"), None)


@pytest.fixture
def talk(make_pipeline):
    """Begin a conversation: talk(script, poll=Poll(...), ...)."""

    def begin(script=(), *, user="ann", **options):
        return Talk(make_pipeline(script, **options), user)

    return begin


class Broken(ScriptedModel):
    """A model that fails wherever it is asked."""

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        raise EngineError("out of memory")
        yield ""

    def score(self, prompt, labels):
        raise EngineError("out of memory")


class Forbidden(ScriptedModel):
    """A model that must not be asked."""

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        raise AssertionError("the model was asked to write")
        yield ""

    def score(self, prompt, labels):
        raise AssertionError("the model was asked to vote")


def ids(turn) -> list[str]:
    return [r.item.id for r in turn.items]


# -- the flow --------------------------------------------------------------------------------------------------------


def test_the_events_of_a_turn_come_in_their_order(talk):
    events = talk().events(WISH)
    kinds = [e.name if isinstance(e, Stage) else type(e).__name__ for e in events]
    assert kinds[:5] == ["understanding", "looking", "Cards", "choosing", "Cards"]
    writing = kinds.index("writing")
    assert set(kinds[5:writing]) <= {"Text"}  # why each is for this person needs no model
    assert set(kinds[writing + 1 : -1]) == {"Text"}
    assert isinstance(events[-1], Done)
    provisional, settled = (e for e in events if isinstance(e, Cards))
    assert (provisional.settled, settled.settled) == (False, True)
    assert len(provisional.items) == len(settled.items) == 3
    assert provisional.opening == settled.opening != ""
    assert [r.item.id for r in settled.items] == ids(events[-1].turn)


@pytest.mark.parametrize(("message", "language"), [(WISH, "en"), (WISH_ZH, "zh")])
def test_the_reply_is_the_opening_and_then_each_item_with_its_streamed_words(talk, message, language):
    events = talk().events(message)
    turn = events[-1].turn
    opening = next(e.opening for e in events if isinstance(e, Cards))
    lines = turn.reply.split("\n")
    assert lines[0] == opening
    assert len(lines) == 4
    for n, (line, recommendation) in enumerate(zip(lines[1:], turn.items, strict=True), 1):
        streamed = "".join(e.delta for e in events if isinstance(e, Text) and e.item == recommendation.item.id)
        title = write_title(recommendation.item, language)
        assert line == f"{n}. {title}{'：' if language == 'zh' else ': '}{streamed}"
    assert turn.request.language == language


def test_the_texts_come_item_by_item_in_their_order(talk):
    events = talk().events(WISH)
    order = list(dict.fromkeys(e.item for e in events if isinstance(e, Text)))
    assert order == ids(events[-1].turn)


def test_every_shown_reason_has_a_source_and_every_item_its_channels(talk):
    turn = talk().say(WISH)
    assert [r.rank for r in turn.items] == [1, 2, 3]
    for recommendation in turn.items:
        assert recommendation.channels.keys() & {"dense", "bm25", "facets"}
        assert 1 <= len(recommendation.reasons) <= 2
        assert all(reason.text and reason.sources for reason in recommendation.reasons)


def test_the_timings_of_a_turn_add_up(talk):
    timings = talk().say(WISH).timings_ms
    assert timings.keys() >= {"understand", "retrieve", "rerank", "first_card", "first_token", "total"}
    assert all(value > 0 for value in timings.values())
    assert timings["understand"] <= timings["first_card"] <= timings["first_token"] <= timings["total"]
    assert timings["retrieve"] + timings["rerank"] <= timings["total"]


def test_the_turn_names_the_model(talk):
    assert talk().say(WISH).model == {"engine": "scripted", "name": "scripted"}


def test_the_turn_is_stored_as_it_was(talk):
    ann = talk()
    turn = ann.say(WISH)
    [stored] = ann.conversation.turns
    assert (stored.id, stored.message, stored.at) == (turn.id, WISH, turn.at)
    assert stored.record["reply"] == turn.reply
    assert [item["id"] for item in stored.record["items"]] == ids(turn)


def test_what_was_typed_and_shown_is_kept_as_events_of_the_turn(talk):
    ann = talk()
    turn = ann.say("I loved Interstellar, I've seen Solaris, I hated Her; something quiet")
    events = ann.pipeline.store.events("ann")
    assert [(e.kind, e.item) for e in events if e.kind not in ("shown", "typed", "wished")] == [
        ("liked", "interstellar-2014"),
        ("seen", "solaris-1972"),
        ("disliked", "her-2013"),
    ]
    assert [e.item for e in events if e.kind == "shown"] == ids(turn)
    assert [e.text for e in events if e.kind == "typed"] == [turn.request.text]
    assert all(e.context.items() >= {"conversation": "c", "turn": turn.id}.items() for e in events)


def test_items_only_asks_no_model_and_writes_nothing(make_pipeline):
    events = Talk(make_pipeline(model=Forbidden())).events(WISH, items_only=True)
    cards = [e for e in events if isinstance(e, Cards)]
    assert [c.settled for c in cards] == [True]
    assert not [e for e in events if isinstance(e, Text)]
    turn = events[-1].turn
    assert len(turn.items) == 3
    assert not any(map(told, turn.items))  # why each is for this person was said at once
    assert turn.timings_ms["rerank"] == turn.timings_ms["first_token"] == 0


@pytest.mark.parametrize("message", ["", "   ", "x" * 20000])
def test_a_refused_message_stores_nothing(talk, message):
    ann = talk()
    with pytest.raises(MessageError):
        ann.say(message)
    assert ann.conversation.turns == ()
    assert list(ann.pipeline.store.events("ann")) == []


def test_warming_up_stores_nothing_and_asks_in_every_language(make_pipeline):
    model = ScriptedModel()
    pipeline = make_pipeline(model=model)
    pipeline.warm_up()
    assert len(model.prompts) == 2
    assert list(pipeline.store.events("ann")) == []


# -- the vote --------------------------------------------------------------------------------------------------------


def favour_last(prompt, labels):
    return [float(n) for n in range(len(labels))]


def test_the_vote_changes_the_order(talk):
    without = talk(poll=Poll(0.0)).say(WISH)
    voted = talk(votes=favour_last, poll=Poll(10.0)).say(WISH)
    assert ids(voted) != ids(without)
    assert all("vote" in r.channels for r in voted.items)
    best = max(voted.candidates, key=lambda c: c.channels["vote"].score)
    assert ids(voted)[0] == best.item.id


def test_a_vote_of_weight_nothing_is_not_asked_for(make_pipeline):
    class NoVote(ScriptedModel):
        def score(self, prompt, labels):
            raise AssertionError("the model was asked to vote")

    turn = Talk(make_pipeline(model=NoVote(), poll=Poll(0.0))).say(WISH)
    assert len(turn.items) == 3
    assert not any("vote" in r.channels for r in turn.items)


@pytest.mark.parametrize("weight", [0.0, 0.5, 10.0])
def test_whatever_the_vote_the_promises_hold(talk, weight):
    turn = talk(votes=favour_last, poll=Poll(weight)).say("a Japanese film from before 1990, no horror, under two hours")
    for r in turn.items:
        assert "Japan" in r.item.values("countries")
        assert "horror" not in r.item.values("genres")
        assert r.item.values("year")[0] < 1990
        assert r.item.values("runtime")[0] <= 120


# -- a model that is wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [WISH, WISH_ZH])
@pytest.mark.parametrize(
    "junk",
    [
        "Interstellar is much better than this one.",
        "You should watch The Godfather instead.",
        "《霸王别姬》比这部好看得多。",
        "A masterpiece that you will love!",
        "绝对不容错过的经典之作。",
        "Would you like to know more?",
        "",
    ],
)
def test_a_sentence_that_may_not_be_shown_gives_place_to_the_card(talk, message, junk):
    turn = talk([junk]).say(message)
    language = turn.request.language
    assert len(turn.items) == 3
    for r in turn.items:
        assert all(reason.written_by == "template" for reason in r.reasons)
        assert told(r).text in r.item.text(language)
    if junk:
        assert junk.strip(".。!！?？") not in turn.reply


def test_a_model_that_fails_still_leaves_a_whole_turn_with_a_note(make_pipeline):
    ann = Talk(make_pipeline(model=Broken()))
    turn = ann.say(WISH)
    assert len(turn.items) == 3
    assert all(r.reasons[0].written_by == "template" for r in turn.items)
    assert any("out of memory" in note for note in turn.notes)
    assert len(ann.conversation.turns) == 1


def test_a_model_that_fails_writing_alone_is_noted_too(make_pipeline):
    class Mute(Broken):
        score = ScriptedModel.score

    turn = Talk(make_pipeline(model=Mute())).say(WISH)
    assert len(turn.items) == 3
    assert turn.notes


def test_an_error_that_nobody_expected_is_raised_and_the_turn_is_kept(make_pipeline):
    class Bug(ScriptedModel):
        def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
            raise ZeroDivisionError
            yield ""

    ann = Talk(make_pipeline(model=Bug()))
    with pytest.raises(ZeroDivisionError):
        ann.say(WISH)
    [stored] = ann.conversation.turns
    assert len(stored.record["items"]) == 3
    assert stored.record["notes"] == ["failed: error_internal"]
    ann.pipeline.model = ann.pipeline._writer._model = ScriptedModel()
    turn = ann.say(WISH, turn_id=stored.id)
    assert (turn.id, turn.notes) == (stored.id, ())
    assert all(map(told, turn.items))
    assert [t.id for t in ann.conversation.turns] == [stored.id]


# -- said again --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I loved Heat. A quiet film, never horror", "shorter, please"),
        ("我喜欢《盗火线》。想看安静的，以后都不要恐怖片", "短一点的"),
    ],
)
def test_a_message_that_is_said_again_under_its_id_takes_its_own_place_and_is_stored_once(talk, first, second):
    ann = talk()
    before = [ann.say(first, turn_id="one"), ann.say(second, turn_id="two")]
    events = ann.pipeline.store.events("ann")
    assert {"typed", "liked", "wished", "shown"} <= {event.kind for event in events}
    assert len({event.id for event in events}) == len(events)
    again = ann.say(second, turn_id="two")
    assert ann.pipeline.store.events("ann") == events
    assert ids(again) == ids(before[1])
    assert again.request == before[1].request
    assert [turn.id for turn in ann.conversation.turns] == ["one", "two"]
    other = Talk(ann.pipeline, conversation="other").say(first)  # the same words in another turn are said anew
    assert other.id not in ("one", "two")
    assert len(ann.pipeline.store.events("ann")) > len(events)


def test_a_turn_that_fails_before_anything_was_said_is_no_empty_answer_and_can_be_said_again(talk, monkeypatch):
    ann = talk()
    people = ann.pipeline.people

    class Lost:
        painter = people.painter

        def interests(self, user):
            raise StoreError("the database went away", key="error_store_lost")

    profile = ann.pipeline.profile("ann")
    monkeypatch.setattr(ann.pipeline, "people", Lost())
    with pytest.raises(StoreError):
        list(ann.pipeline.respond(WISH, ann.conversation, profile, turn_id="one"))
    assert ann.conversation.turns == ()
    said = [event.kind for event in ann.pipeline.store.events("ann")]
    monkeypatch.setattr(ann.pipeline, "people", people)
    turn = ann.say(WISH, turn_id="one")
    assert len(turn.items) == 3
    assert [event.kind for event in ann.pipeline.store.events("ann")] == [*said, *["shown"] * 3]


class Refusing(InMemoryUserStore):
    """A store that keeps no turn while its disk is full."""

    full = True

    def save(self, conversation, user, turn):
        if self.full:
            raise StoreError("The disk is full.", key="error_store_full")
        super().save(conversation, user, turn)


@pytest.mark.parametrize("leaves", [False, True])
def test_that_a_turn_could_not_be_saved_reaches_whoever_asked(make_pipeline, leaves):
    seen = []
    ann = Talk(make_pipeline(store=Refusing(), observe=seen.append))
    events = ann.pipeline.respond(WISH, ann.conversation, Profile("ann"), turn_id="one")
    if leaves:
        assert any(isinstance(event, Cards) for event in iter(lambda: next(events), None))
        with pytest.raises(StoreError, match="full"):
            events.close()
    else:
        with pytest.raises(StoreError, match="full"):
            list(events)
    assert (ann.conversation.turns, seen) == ((), [])
    ann.pipeline.store.full = False
    turn = ann.say(WISH, turn_id="one")
    assert [t.id for t in ann.conversation.turns] == ["one"]
    assert seen == [turn]
    assert [event.kind for event in ann.pipeline.store.events("ann")].count("shown") == 3


def test_who_watches_turns_cannot_break_them(make_pipeline, caplog):
    def observe(turn):
        raise ZeroDivisionError

    ann = Talk(make_pipeline(observe=observe))
    assert len(ann.say(WISH).items) == 3
    assert len(ann.conversation.turns) == 1
    assert "not noted" in caplog.text


def test_the_words_about_an_item_come_with_what_they_rest_on(talk):
    ann = talk()
    events = ann.events(WISH)
    texts = [event for event in events if isinstance(event, Text) and event.item]
    reasons = [reason for r in events[-1].turn.items for reason in r.reasons]
    assert sorted((t.sources, t.written_by) for t in texts) == sorted((r.sources, r.written_by) for r in reasons)
    assert all(text.sources for text in texts)
    assert all(event.written_by == "" for event in ann.events("hello") if isinstance(event, Text))


JUNK = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            (
                "Interstellar The Godfather Her Up Moon Parasite 《霸王别姬》 霸王别姬 千与千寻 and is a story of . "
                "! ? * like Tom Hanks 2001 Sam Bell alone on the far side of the in space 和 一样 的 故事 。 \n “ ” "
                "Alien Solaris Stalker Gravity"
            ).split(" ")
        ),
        max_size=30,
    ).map(" ".join),
)


def test_a_reply_never_names_an_item_that_was_not_recommended_or_named_by_the_person(movies, make_pipeline):
    names = NameIndex(movies.items.values(), movies.domain)

    @settings(max_examples=30, deadline=None)
    @given(
        junk=st.lists(JUNK, min_size=1, max_size=3),
        message=st.sampled_from([WISH, WISH_ZH, "something like Arrival", "类似《降临》的"]),
    )
    def check(junk, message):
        turn = Talk(make_pipeline(junk)).say(message)
        allowed = {*ids(turn), *turn.request.named, *turn.request.liked}
        own = " ".join(text for r in turn.items for text in (*r.item.titles.values(), *r.item.texts.values(), *_labels(r.item)))
        for mention in names.find(turn.reply):
            words = turn.reply[mention.start : mention.end]
            assert mention.kind != "item" or mention.target in allowed or words in own, words
        model = [reason.text for r in turn.items for reason in r.reasons if reason.written_by == "model"]
        assert not [text for text in model if set("!?！？*") & set(text)]

    check()


def _labels(item):
    return [" ".join(words) for by_language in item.labels.values() for words in by_language.values()]


# -- stopping --------------------------------------------------------------------------------------------------------


def test_cancel_while_the_first_words_are_written_keeps_what_there_is_with_a_note(make_pipeline):
    cancel = threading.Event()

    def script(prompt):
        cancel.set()
        return "word " * 100

    ann = Talk(make_pipeline(script))
    turn = ann.say(WISH, cancel=cancel)
    assert turn.notes.count("stopped") == 1
    assert len(turn.items) == 3
    assert not any(map(told, turn.items))  # why each is for this person was said at once
    assert [t.id for t in ann.conversation.turns] == [turn.id]


def test_cancel_between_two_items_keeps_the_first_ones_words(make_pipeline, items):
    ann = Talk(make_pipeline())
    cancel = threading.Event()
    turn = None
    for event in ann.pipeline.respond(WISH, ann.conversation, Profile("ann"), cancel=cancel):
        if isinstance(event, Text) and event.delta.strip() in items[event.item].text("en"):
            cancel.set()
        if isinstance(event, Done):
            turn = event.turn
    assert told(turn.items[0])
    assert not told(turn.items[1])
    assert "stopped" in turn.notes


def test_cancel_before_the_vote_keeps_the_provisional_cards(make_pipeline):
    ann = Talk(make_pipeline(model=Forbidden()))
    cancel = threading.Event()
    seen = []
    for event in ann.pipeline.respond(WISH, ann.conversation, Profile("ann"), cancel=cancel):
        seen.append(event)
        if isinstance(event, Cards):
            cancel.set()
    assert isinstance(seen[-1], Done)
    assert len(seen[-1].turn.items) == 3
    assert "stopped" in seen[-1].turn.notes


@pytest.mark.parametrize("until", [Cards, Text])
def test_a_reader_who_leaves_still_leaves_the_turn(make_pipeline, until):
    ann = Talk(make_pipeline())
    stream = ann.pipeline.respond(WISH, ann.conversation, Profile("ann"))
    for event in stream:
        if isinstance(event, until):
            break
    stream.close()
    [stored] = ann.conversation.turns
    assert stored.record["notes"].count("stopped") == 1
    assert len(stored.record["items"]) == 3
    assert [e.kind for e in ann.pipeline.store.events("ann")].count("shown") == 3


def test_a_turn_that_ran_to_its_end_is_not_called_stopped(talk):
    assert "stopped" not in talk().say(WISH).notes


# -- what is never recommended -----------------------------------------------------------------------------------------


def test_nothing_shown_comes_back_in_the_conversation(talk):
    ann = talk()
    shown: list[str] = []
    for message in [WISH, *["others"] * 6]:
        new = ids(ann.say(message))
        assert len(new) == 3
        assert not set(new) & set(shown)
        shown += new


def test_another_conversation_may_show_it_again(make_pipeline):
    pipeline = make_pipeline()
    first = Talk(pipeline, conversation="one").say(WISH)
    second = Talk(pipeline, conversation="two").say(WISH)
    assert ids(first) == ids(second)


@pytest.mark.parametrize("kind", ["seen", "liked", "disliked"])
def test_what_is_in_the_profile_is_not_recommended(talk, kind):
    ann = talk()
    first = ids(ann.say(WISH))
    other = Talk(ann.pipeline, conversation="other")
    for item in first:
        other.did(kind, item)
    assert not set(ids(other.say(WISH))) & set(first)


def test_what_was_cleared_may_be_recommended_again(talk):
    ann = talk()
    first = ids(ann.say(WISH))
    other = Talk(ann.pipeline, conversation="other")
    for item in first:
        other.did("seen", item)
        other.did("cleared", item, "seen")
    assert ids(other.say(WISH)) == first


@pytest.mark.parametrize(
    "message", ["something like Moon", "I loved Moon and Solaris", "nothing like Moon, but in space", "类似《月球》的"]
)
def test_what_the_message_names_is_not_recommended(talk, message):
    turn = talk().say(message)
    assert "moon-2009" in turn.request.named
    assert not set(ids(turn)) & set(turn.request.named)


def test_an_item_named_once_does_not_come_later_in_the_conversation(talk):
    ann = talk()
    ann.say("something like Moon")
    assert not {"moon-2009"} & {
        i for message in ("others", "shorter", "a quiet film about the Moon") for i in ids(ann.say(message))
    }


def test_an_exclusion_holds_for_the_whole_conversation(talk):
    ann = talk()
    ann.say("a film about a monster, no horror")
    for message in ("others", "a science fiction film about an alien monster", "scarier", "ghosts and vampires", "others"):
        for r in ann.say(message).items:
            assert "horror" not in r.item.values("genres")


# -- history ---------------------------------------------------------------------------------------------------------


def test_liked_items_change_the_order(talk):
    plain = talk().say("something for tonight")
    ann = talk()
    for item in ("my-neighbor-totoro-1988", "spirited-away-2001", "kikis-delivery-service-1989"):
        ann.did("liked", item)
    turn = ann.say("something for tonight")
    assert ids(turn) != ids(plain)
    assert all("history" in r.channels for r in turn.items)


def test_the_vote_is_told_what_the_person_likes_where_they_name_nothing(talk):
    read = []

    def votes(prompt, labels):
        read.append(prompt.user)
        return [0.0] * len(labels)

    ann = talk(votes=votes, poll=Poll(1.0))
    ann.say("something for tonight")
    assert not any("they like" in prompt for prompt in read)
    for item in ("the-shining-1980", "psycho-1960", "get-out-2017", "hereditary-2018"):
        ann.did("liked", item)
    read.clear()
    ann.say("something else")
    assert any("they like" in prompt and "horror" in prompt for prompt in read)


def test_feedback_counts_from_the_next_turn_on_and_is_cited(talk):
    ann = talk()
    first = ann.say(WISH)
    assert not any("history" in r.channels for r in first.items)
    ann.did("liked", ids(first)[0])
    second = ann.say("others")
    assert all("history" in r.channels for r in second.items)


@pytest.mark.parametrize("message", ["a film about loneliness", "关于孤独的片子"])
def test_what_a_liked_item_has_in_common_is_cited_from_the_history(movies, talk, message):
    ann = talk()
    ann.did("liked", "moon-2009")
    turn = ann.say(message)
    alike = [r for r in turn.items if set(r.item.values("themes")) & set(movies.items["moon-2009"].values("themes"))]
    assert alike
    for r in alike:
        assert "history.moon-2009" in r.reasons[0].sources
        assert write_title(movies.items["moon-2009"], turn.request.language) in r.reasons[0].text


def test_feedback_during_a_turn_does_not_change_that_turn(make_pipeline):
    quiet = Talk(make_pipeline()).say(WISH)
    ann = Talk(make_pipeline())
    turn = None
    for event in ann.pipeline.respond(WISH, ann.conversation, ann.pipeline.profile("ann")):
        if isinstance(event, Cards):
            ann.did("disliked", event.items[0].item.id)
        if isinstance(event, Done):
            turn = event.turn
    assert ids(turn) == ids(quiet)


def test_a_like_that_is_typed_counts_as_one_that_is_pressed(talk):
    ann = talk()
    ann.say("I loved Interstellar")
    assert ann.pipeline.profile("ann").liked == ("interstellar-2014",)
    assert "history" in Talk(ann.pipeline, conversation="other").say("something for tonight").items[0].channels


def test_an_imported_history_counts_before_what_the_store_holds(talk):
    past = {
        "ann": [
            Event("ann", "rated", "moon-2009", value=1.0, at=1e12),  # later than anything in the store, and still older
            Event("ann", "rated", "interstellar-2014", value=0.0),
            Event("ann", "viewed", "her-2013"),
        ]
    }
    ann = talk(log=lambda user: past.get(user, []))
    profile = ann.pipeline.profile("ann")
    assert profile == Profile("ann", ("moon-2009",), ("interstellar-2014",), ("moon-2009", "interstellar-2014", "her-2013"))
    assert all("history" in r.channels for r in ann.say("something for tonight").items)
    ann.did("disliked", "moon-2009")
    assert ann.pipeline.profile("ann").disliked == ("interstellar-2014", "moon-2009")
    assert ann.pipeline.profile("bob") == Profile("bob")


def test_two_users_interleaved_never_see_each_others(make_pipeline):
    pipeline = make_pipeline()
    ann, bob = Talk(pipeline, "ann", "ca"), Talk(pipeline, "bob", "cb")
    alone = Talk(make_pipeline(), "bob", "cb")
    ann.say("I loved My Neighbor Totoro; a Japanese film, no horror")
    first = bob.say(WISH)
    ann.say("others")
    second = bob.say("others")
    assert (ids(first), ids(second)) == (ids(alone.say(WISH)), ids(alone.say("others")))
    assert {e.user for e in pipeline.store.events("bob")} == {"bob"}
    assert pipeline.profile("bob") == Profile("bob")
    assert list(pipeline.store.conversations("bob")) == ["cb"]
    sources = {s for r in second.items for reason in r.reasons for s in reason.sources}
    assert not [s for s in sources if s.startswith("history.")]


def test_two_threads_share_a_pipeline_and_not_a_turn(make_pipeline):
    pipeline = make_pipeline(store=InMemoryUserStore())
    alone = {user: ids(Talk(make_pipeline(), user, user).say(message)) for user, message in (("ann", WISH), ("bob", WISH_ZH))}
    found: dict[str, list[str]] = {}

    def work(user, message):
        found[user] = ids(Talk(pipeline, user, user).say(message))

    threads = [threading.Thread(target=work, args=args) for args in (("ann", WISH), ("bob", WISH_ZH))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


# -- how many, and nothing at all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "count"), [("five comedies", 5), ("just one film", 1), ("来两部喜剧", 2), ("10 films", 10), ("comedies", 3)]
)
def test_as_many_items_as_were_asked_for(talk, message, count):
    turn = talk().say(message)
    assert len(turn.items) == count
    assert all(r.reasons for r in turn.items)


def test_the_usual_count_can_be_set(make_pipeline):
    assert len(Talk(make_pipeline(count=5)).say(WISH).items) == 5


@pytest.mark.parametrize(
    ("message", "dropped", "opening"),
    [
        ("a Korean western from the 1930s", "western", "Nothing in the catalogue"),
        ("1930年代的韩国西部片", "西部", "没有同时满足"),
    ],
)
def test_a_constraint_that_leaves_nothing_is_dropped_noted_and_said(talk, message, dropped, opening):
    turn = talk().say(message)
    assert turn.items
    notes = [note for note in turn.notes if note.startswith("relaxed")]
    assert notes
    assert turn.reply.startswith({"N": "Nothing", "没": "目录里"}[opening[0]])
    assert opening in turn.reply
    assert dropped in turn.reply.split("\n")[0]
    for note in notes:
        assert note.split(": ", 1)[1] in turn.reply.split("\n")[0]


@pytest.mark.parametrize(("message", "said"), [(WISH, "Nothing"), (WISH_ZH, "没有")])
def test_where_nothing_is_left_it_says_so(movies, talk, message, said):
    ann = talk()
    profile = Profile("ann", seen=tuple(movies.items))
    events = list(ann.pipeline.respond(message, ann.conversation, profile))
    assert not [e for e in events if isinstance(e, Cards)]
    turn = events[-1].turn
    assert turn.items == ()
    assert said in turn.reply
    assert "".join(e.delta for e in events if isinstance(e, Text)) == turn.reply
    assert len(ann.conversation.turns) == 1


def test_an_exclusion_is_never_relaxed(movies, talk):
    ann = talk()
    horror = [i for i, item in movies.items.items() if "horror" in item.values("genres")]
    others = tuple(i for i in movies.items if i not in horror)
    *_, done = ann.pipeline.respond("a quiet film, no horror", ann.conversation, Profile("ann", seen=others))
    assert done.turn.items == ()


def test_at_most_one_item_of_a_director_unless_one_was_asked_for(talk):
    for message in (WISH, "a film with samurai", "武侠片"):
        directors = [d for r in talk().say(message).items for d in r.item.values("directors")]
        assert len(directors) == len(set(directors))
    assert len(talk().say("films by Zhang Yimou").items) == 3


# -- without a model -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("hello", "Hello"),
        ("thanks!", "welcome"),
        ("bye", "Goodbye"),
        ("what can you do?", "recommend"),
        ("你好", "你好"),
        ("谢谢", "不客气"),
        ("再见", "再见"),
        ("你能做什么？", "推荐"),
    ],
)
def test_small_talk_needs_no_model_and_shows_no_items(make_pipeline, message, words):
    ann = Talk(make_pipeline(model=Forbidden()))
    events = ann.events(message)
    turn = events[-1].turn
    assert turn.request.intent == "chat"
    assert words in turn.reply
    assert turn.items == ()
    assert [type(e) for e in events] == [Stage, Text, Done]
    assert events[1].delta == turn.reply
    assert len(ann.conversation.turns) == 1


@pytest.mark.parametrize(
    ("message", "words", "source"),
    [
        ("Who directed Parasite?", "Bong Joon-ho", "card.directors"),
        ("How long is Seven Samurai?", "207 min", "card.runtime"),
        ("What is Moon about?", "helium-3", "card.summary"),
        ("谁导演的《寄生虫》？", "奉俊昊", "card.directors"),
        ("《七武士》多长？", "207分钟", "card.runtime"),
        ("《月球》讲什么的？", "氦-3", "card.summary"),
    ],
)
def test_a_question_about_a_card_is_answered_from_it_without_a_model(make_pipeline, message, words, source):
    turn = Talk(make_pipeline(model=Forbidden())).say(message)
    assert turn.request.intent == "ask_item"
    assert words in turn.reply
    assert turn.items == ()
    assert any(source in note for note in turn.notes)


@pytest.mark.parametrize(
    ("first", "question", "place"), [(WISH, "who directed the second one?", 1), (WISH_ZH, "第三部多长？", 2)]
)
def test_a_question_about_what_was_shown(talk, first, question, place):
    ann = talk()
    shown = ann.say(first)
    turn = ann.say(question)
    item = shown.items[place].item
    assert write_title(item, turn.request.language) in turn.reply
    value = item.label("directors", "en")[0] if place == 1 else str(item.values("runtime")[0])
    assert value in turn.reply
    assert not set(ids(ann.say("others" if place == 1 else "换一批"))) & set(ids(shown))


def test_after_a_question_the_conversation_goes_on(talk):
    ann = talk()
    ann.say("a quiet Japanese film")
    ann.say("who directed the second one?")
    assert all("Japan" in r.item.values("countries") for r in ann.say("others").items)


# -- questions back, comparisons, and what is kept of a person -------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch):
    """Let a pipeline understand what the test says, whatever is typed: reads(talk, Request, ...); returns what was dropped."""

    def script(ann, *requests):
        queue, dropped = list(requests), []

        def read(message, conversation, language=None, drop=()):
            dropped.append(drop)
            return replace(queue.pop(0), text=message)

        monkeypatch.setattr(ann.pipeline._understanding, "read", read)
        return dropped

    return script


def bare(language="en", **values):
    return Request(values.pop("intent", "recommend"), language, "x", **values)


@pytest.mark.parametrize(("language", "words"), [("en", " or "), ("zh", "还是")])
def test_with_nothing_to_go_on_it_asks_and_recommends_nothing(make_pipeline, reads, language, words):
    ann = Talk(make_pipeline(model=Forbidden()))
    reads(ann, bare(language))
    events = ann.events("recommend something")
    turn = events[-1].turn
    assert [type(e) for e in events] == [Stage, Stage, Text, Done]
    assert turn.items == ()
    assert turn.question.about in ann.pipeline.index.domain.facets
    assert 2 <= len(turn.question.options) <= 4
    assert words in turn.reply
    assert all(option in turn.reply for option in turn.question.options)
    record = ann.conversation.turns[0].record["question"]
    assert record == {
        "about": turn.question.about,
        "options": list(turn.question.options),
        "values": list(turn.question.values),
    }


def test_it_asks_about_a_facet_once_and_never_twice_in_a_row(talk, reads):
    ann = talk()
    reads(ann, *[bare()] * 8)
    abouts = []
    for n in range(8):
        turn = ann.say("recommend something")
        if n % 2:
            assert turn.question is None
            assert len(turn.items) == 3
        else:
            abouts.append(turn.question.about if turn.question else None)
    assert len(set(abouts)) == len(abouts)


@pytest.mark.parametrize("more", [{"eager": True}, {"count": 5}, {"query": "trains"}, {"liked": ("moon-2009",)}])
def test_with_anything_to_go_on_it_recommends(talk, reads, more):
    ann = talk()
    reads(ann, bare(**more))
    turn = ann.say("recommend something")
    assert turn.question is None
    assert turn.items


def test_a_person_who_is_known_is_not_asked(talk, reads):
    ann = talk()
    ann.did("liked", "moon-2009")
    reads(ann, bare())
    assert len(ann.say("recommend something").items) == 3


def test_items_only_are_items(make_pipeline, reads):
    ann = Talk(make_pipeline(model=Forbidden()))
    reads(ann, bare())
    assert len(ann.say("recommend something", items_only=True).items) == 3


def test_where_no_question_tells_enough_it_recommends(movies, talk, reads):
    ann = talk()
    reads(ann, bare())
    left = list(movies.items)[:5]
    profile = Profile("ann", seen=tuple(i for i in movies.items if i not in left))
    *_, done = ann.pipeline.respond("recommend something", ann.conversation, profile)
    assert done.turn.question is None
    assert {r.item.id for r in done.turn.items} <= set(left)
    assert done.turn.items


def test_it_asks_which_item_is_meant_twice_and_then_answers(make_pipeline, reads):
    ann = Talk(make_pipeline(model=Forbidden()))
    reads(ann, *[bare(intent="ask_item", ambiguous=("heat-1995", "her-2013"))] * 3)
    first, second, third = (ann.say("how long is it?") for _ in range(3))
    assert first.question == second.question
    assert (first.question.about, first.question.options) == ("reference", ("Heat", "Her"))
    assert first.items == ()
    assert third.question is None
    assert third.reply == "Heat: length 170 min."


def test_two_items_are_compared_without_a_model(make_pipeline, reads):
    ann = Talk(make_pipeline(model=Forbidden()))
    reads(ann, bare(intent="compare", named=("heat-1995", "her-2013")))
    turn = ann.say("which is longer?")
    assert turn.reply == "Heat is longer: Heat 170 min, Her 126 min."
    assert turn.items == ()
    assert turn.notes == ("compared heat-1995, her-2013: card.runtime",)


def test_what_is_forgotten_no_longer_counts(make_pipeline, reads):
    ann = Talk(make_pipeline(model=Forbidden()))
    ann.did("liked", "heat-1995")
    ann.did("seen", "heat-1995")
    ann.did("disliked", "her-2013")
    reads(ann, bare(intent="profile", opening="forget", named=("heat-1995",), stated=(("heat-1995", "liked"),)))
    turn = ann.say("forget that I liked Heat")
    assert "Heat" in turn.reply
    assert ann.pipeline.profile("ann") == Profile("ann", disliked=("her-2013",))
    taken = [e for e in ann.pipeline.store.events("ann") if e.kind == "cleared"]
    assert [(e.item, e.context["turn"]) for e in taken] == [("heat-1995", turn.id)]


@pytest.mark.parametrize("intent", ["profile", "out_of_scope", "unsafe"])
def test_what_is_no_wish_shows_no_items(make_pipeline, reads, intent):
    ann = Talk(make_pipeline(model=Forbidden()))
    reads(ann, bare(intent=intent, opening="erase" if intent == "profile" else ""))
    turn = ann.say("x")
    assert turn.reply
    assert turn.items == ()
    assert [e.kind for e in ann.pipeline.store.events("ann")] == ["typed"]


def test_what_the_conversation_holds_to_is_in_the_turn_and_can_be_dropped(talk, reads):
    ann = talk()
    horror = Constraint("genres", "excludes", "horror", "horror")
    dropped = reads(ann, bare(constraints=(horror,), wishes=(Wish("moods", "quiet", "quiet"),)), bare(query="x"))
    first = ann.say("quiet, no horror")
    assert [held.label for held in first.held] == ["no horror", "quiet"]
    assert [entry["label"] for entry in ann.conversation.turns[0].record["held"]] == ["no horror", "quiet"]
    assert ann.say("Drop it.", drop=first.held[0].parts).held == ()
    assert dropped == [(), (horror,)]


def test_dropping_is_understood(talk):
    ann = talk()
    first = ann.say("a quiet film from the nineties, no horror")
    [years] = [held for held in first.held if held.label == "1990–1999"]
    second = ann.say("Drop “1990–1999”.", drop=years.parts)
    assert {held.label for held in second.held} == {held.label for held in first.held} - {"1990–1999"}
    assert len(second.items) == 3


# -- language ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "language"), [(WISH, "en"), (WISH_ZH, "zh"), ("想看 Christopher Nolan 拍的科幻片", "zh")])
def test_the_reply_is_in_the_language_of_the_message(talk, message, language):
    turn = talk().say(message)
    han = sum("\u4e00" <= c <= "\u9fff" for c in turn.reply)
    assert (han > len(turn.reply) / 2) == (language == "zh")
    if language == "en":
        assert han == 0
    else:
        assert all("《" in line for line in turn.reply.split("\n")[1:])


def test_the_language_of_the_page_counts_where_the_message_shows_none(talk):
    assert "\u4e00" <= talk().say("🙂", language="zh").reply[0] <= "\u9fff"
    assert talk().say("🙂", language="en").reply[0].isascii()


@pytest.mark.parametrize(
    "message",
    [
        "🙂🙂🙂",
        "I want 一部 quiet 的 Japanese film",
        "ＳＦ　ｆｉｌｍ",
        "%s {} {{ x }} <b>",
        "'; DROP TABLE users; --",
        "\ufffc",
    ],
)
def test_odd_messages_get_an_answer(talk, message):
    ann = talk()
    turn = ann.say(message)
    assert turn.reply
    assert ann.conversation.turns[0].message == message


def test_what_comes_in_is_not_changed(make_pipeline):
    ann = Talk(make_pipeline())
    ann.say(WISH)
    conversation, profile = ann.conversation, Profile("ann", liked=("moon-2009",))
    before = (replace(conversation), replace(profile))
    list(ann.pipeline.respond("others", conversation, profile))
    assert (conversation, profile) == before


# -- several conversations at one model ------------------------------------------------------------------------------


def test_a_turn_that_waits_for_the_model_says_its_place_and_shows_its_cards_meanwhile(make_pipeline):
    pipeline = make_pipeline(poll=Poll(0.0), line=Turnstile(1))
    first = pipeline.respond(WISH, Conversation("one", "ann"), Profile("ann"))
    assert any(isinstance(event, Stage) and event.name == "writing" for event in iter(lambda: next(first), None))
    second = pipeline.respond(WISH, Conversation("two", "bob"), Profile("bob"))
    before = []
    for event in second:
        before.append(event)
        if isinstance(event, Stage) and event.name == "queued":
            break
    assert before[-1].place == 1
    assert any(isinstance(event, Cards) and event.settled for event in before)
    first.close()
    rest = list(second)
    assert [event.name for event in rest if isinstance(event, Stage)] == ["writing"]
    assert isinstance(rest[-1], Done)


def test_a_turn_that_is_stopped_while_it_waits_ends_and_frees_its_place(make_pipeline):
    pipeline = make_pipeline(poll=Poll(0.0), line=Turnstile(1))
    first = pipeline.respond(WISH, Conversation("one", "ann"), Profile("ann"))
    assert any(isinstance(event, Stage) and event.name == "writing" for event in iter(lambda: next(first), None))
    cancel = threading.Event()
    events = []
    for event in pipeline.respond(WISH, Conversation("two", "bob"), Profile("bob"), cancel=cancel):
        events.append(event)
        if isinstance(event, Stage) and event.name == "queued":
            cancel.set()
    assert "stopped" in events[-1].turn.notes
    assert not any(map(told, events[-1].turn.items))
    first.close()
    assert Talk(pipeline).say(WISH).items


# -- settings of a list ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "said"), [("a quiet film", "two quiet films"), ("安静的电影", "两部安静的电影")])
def test_a_list_has_as_many_items_as_were_set_unless_the_message_says_how_many(talk, message, said):
    assert len(talk().say(message, count=5).items) == 5
    assert len(talk().say(message).items) == 3
    assert len(talk(count=4).say(message).items) == 4
    turn = talk().say(said, count=5)
    assert (len(turn.items), turn.request.count) == (2, 2)


def test_a_number_of_items_that_was_set_asks_for_no_items_by_itself(talk):
    assert talk().say("recommend something", count=5).question is not None


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"count": 11}, {"explore": -0.1}, {"explore": 1.1}, {"explore": float("nan")}], ids=str
)
def test_a_setting_outside_its_range_is_refused_before_anything_is_stored(talk, wrong):
    person = talk()
    with pytest.raises(SettingsError) as caught:
        person.say(WISH, **wrong)
    assert caught.value.key == ("error_count" if "count" in wrong else "error_explore")
    assert person.conversation.turns == ()


def test_more_adventurous_lists_are_less_alike_on_the_whole(talk, movies):
    def alike(explore):
        total = 0.0
        for wish in ("a crime thriller", "space", "a family comedy", "a love story", "a war film", "growing old", "robbers"):
            turn = talk().say(wish, count=5, explore=explore, items_only=True)
            vectors = movies.vectors_of(ids(turn), "en")
            total += float((vectors @ vectors.T).mean())
        return total

    assert alike(1.0) < alike(None) <= alike(0.0)


LIKES_CRIME = ("heat-1995", "the-godfather-1972", "goodfellas-1990", "pulp-fiction-1994", "taxi-driver-1976")


def test_an_adventurous_list_of_one_whose_taste_is_known_leaves_the_usual_kinds_at_most_once_and_last(talk, movies):
    known = [item for item in LIKES_CRIME if item in movies.items]
    assert len(known) > 2
    usual = shares([movies.items[i].values("genres") for i in known])

    def outside(turn):
        return [all(usual.get(kind, 0) < 0.1 for kind in r.item.values("genres")) for r in turn.items]

    lists = {}
    for explore in (None, 0.0, 1.0):
        person = talk()
        for item in known:
            person.did("liked", item)
        turn = person.say("recommend something", explore=explore)
        lists[explore] = outside(turn)
        assert len(set(ids(turn))) == 3
    assert not any(lists[None])
    assert not any(lists[0.0])
    assert lists[1.0] == [False, False, True]


def test_where_something_is_asked_no_place_leaves_it(talk, movies):
    person = talk()
    for item in (i for i in LIKES_CRIME if i in movies.items):
        person.did("liked", item)
    turn = person.say("a crime film", explore=1.0)
    assert all("crime" in r.item.values("genres") for r in turn.items)


def test_the_record_says_where_an_item_stood_before_the_vote(talk):
    before = talk(poll=Poll(0.0)).say(WISH)
    assert all(r.before_vote == 0 for r in before.items)
    places = {c.item.id: place for place, c in enumerate(before.candidates, 1)}
    after = talk(poll=Poll(50.0)).say(WISH)
    assert [r.before_vote for r in after.items] == [places[i] for i in ids(after)]
