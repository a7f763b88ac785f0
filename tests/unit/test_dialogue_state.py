"""What a conversation holds to: what later words change, what stays, what a person takes out, and where it all came from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.dialogue import at_turn, carry, hold, offered_items, stand, turn_round, unique
from chatbot.records import constraint_record, turn_record, wish_record
from chatbot.slots import IMPLIED
from chatbot.types import Conversation, Question, Recommendation, Request, StoredTurn, Turn
from chatbot.understanding import Understanding
from retrieval.types import Constraint, Wish

SHOWN = ("moon-2009", "solaris-1972", "interstellar-2014")
COMEDY, HORROR = Constraint("genres", "includes", "comedy"), Constraint("genres", "excludes", "horror")
THRILLER = Constraint("genres", "includes", "thriller")
EITHER = Constraint("genres", "any_of", ("comedy", "romance"))
QUIET, DARK = Wish("moods", "quiet"), Wish("moods", "dark")
NOTHING = Request("recommend", "en", "x")


def year(op, value):
    return Constraint("year", op, value)


def state(*parts, **values):
    """A recorded request that holds these constraints and wishes."""
    constraints = [constraint_record(part) for part in parts if isinstance(part, Constraint)]
    return {"constraints": constraints, "wishes": [wish_record(part) for part in parts if isinstance(part, Wish)], **values}


def said(*parts, **values):
    """A request that a message by itself says."""
    constraints = tuple(part for part in parts if isinstance(part, Constraint))
    return replace(NOTHING, constraints=constraints, wishes=tuple(p for p in parts if isinstance(p, Wish)), **values)


def carried(before, request, **options):
    """The request after a message that goes on with what was held."""
    held = state(*before)
    return carry(request, held, hold(held), **{"refines": True, **options})


@pytest.fixture(scope="module")
def reader(movies):
    return Understanding(movies.domain, movies.items)


@pytest.fixture(scope="module")
def talk(movies, reader):
    """Say messages one after another, every wish shows items, and what is ambiguous is asked back; drop goes with the last."""

    def talk(*messages, shown=SHOWN, drop=()):
        conversation = Conversation("c", "ann")
        requests = []
        for n, message in enumerate(messages):
            request = reader.read(message, conversation, drop=drop if n == len(messages) - 1 else ())
            requests.append(request)
            asks = request.ambiguous and request.intent != "recommend"
            titles = tuple(movies.items[i].title(request.language) for i in request.ambiguous)
            ids = shown if request.intent in ("recommend", "refine", "react") and not asks else ()
            items = tuple(Recommendation(movies.items[i], rank, 1.0, {}) for rank, i in enumerate(ids, 1))
            question = Question("reference", titles, request.ambiguous) if asks else None
            turn = Turn(f"t{n}", "ann", "c", request, items, "", {}, {}, at=float(n), question=question)
            conversation = replace(
                conversation, turns=(*conversation.turns, StoredTurn(turn.id, turn.at, message, turn_record(turn)))
            )
        return requests

    return talk


def parts(request):
    """The constraints and wishes of a request as texts."""
    return {*(f"{c.field} {c.op} {c.value}" for c in request.constraints), *(f"~{w.value}" for w in request.wishes)}


# -- records -----------------------------------------------------------------------------------------------------------


def test_what_was_recorded_is_held_as_it_was():
    made = Constraint("genres", "excludes", "horror", "scary", turn=2, certainty=IMPLIED)
    wish = Wish("moods", "quiet", "calm", turn=1, certainty=0.5)
    [held], [wished] = hold(state(made, wish))
    assert (held, held.turn, held.certainty) == (made, 2, IMPLIED)
    assert (wished, wished.turn, wished.certainty) == (wish, 1, 0.5)


def test_several_values_are_held_as_a_tuple():
    assert hold(state(EITHER)) == ((EITHER,), ())


def test_a_record_of_an_older_version_says_nothing_of_turns():
    [held], _ = hold({"constraints": [{"field": "genres", "op": "excludes", "value": "horror"}]})
    assert (held, held.turn, held.certainty) == (HORROR, 0, 1.0)
    assert hold({}) == ((), ())


@pytest.mark.parametrize(
    ("drop", "left"),
    [
        ([HORROR], {COMEDY, EITHER, QUIET}),
        ([QUIET], {COMEDY, HORROR, EITHER}),
        ([EITHER], {COMEDY, HORROR, QUIET}),
        ([Constraint("genres", "includes", "comedy", "other words")], {HORROR, EITHER, QUIET}),  # words do not count
        ([Constraint("genres", "includes", "horror"), DARK], {COMEDY, HORROR, EITHER, QUIET}),  # said otherwise: not it
        ([HORROR, QUIET], {COMEDY, EITHER}),
    ],
)
def test_exactly_what_is_dropped_is_gone(drop, left):
    constraints, wishes = hold(state(COMEDY, HORROR, EITHER, QUIET), drop)
    assert {*constraints, *wishes} == left


def test_the_turn_is_told_of_everything_a_message_says():
    request = at_turn(said(COMEDY, HORROR, QUIET), 4)
    assert [part.turn for part in (*request.constraints, *request.wishes)] == [4, 4, 4]


def test_repeated_parts_are_one_whatever_their_words():
    again = Constraint("genres", "includes", "comedy", "funny ones")
    assert unique([COMEDY, again, HORROR]) == [COMEDY, HORROR]
    assert unique([QUIET, Wish("moods", "quiet", "calm"), DARK]) == [QUIET, DARK]


# -- carry -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        ([COMEDY], [THRILLER], {THRILLER}),  # later words win
        ([EITHER], [THRILLER], {THRILLER}),
        ([COMEDY], [Constraint("countries", "includes", "Japan")], {COMEDY, Constraint("countries", "includes", "Japan")}),
        ([year("min", 2000)], [year("min", 1990)], {year("min", 1990)}),
        ([year("min", 2000)], [year("max", 1990)], {year("max", 1990)}),  # both cannot be kept
        ([year("min", 2000)], [year("max", 2010)], {year("min", 2000), year("max", 2010)}),
        ([year("min", 2000)], [year("max", 2000)], {year("min", 2000), year("max", 2000)}),
        ([year("min", 1990), year("max", 1999)], [year("min", 2005)], {year("min", 2005)}),
        ([COMEDY], [Constraint("genres", "excludes", "comedy")], {Constraint("genres", "excludes", "comedy")}),
        ([EITHER], [Constraint("genres", "excludes", "comedy")], {Constraint("genres", "excludes", "comedy")}),
        ([COMEDY], [HORROR], {COMEDY, HORROR}),
        ([HORROR], [Constraint("genres", "includes", "horror")], {Constraint("genres", "includes", "horror")}),
        ([HORROR], [Constraint("genres", "any_of", ("horror", "war"))], {Constraint("genres", "any_of", ("horror", "war"))}),
        ([HORROR], [COMEDY], {HORROR, COMEDY}),
    ],
)
def test_later_words_win(before, now, after):
    assert set(carried(before, said(*now)).constraints) == after


@pytest.mark.parametrize(("adds", "after"), [(True, {COMEDY, THRILLER}), (False, {THRILLER})])
def test_also_adds_to_what_was_demanded(adds, after):
    assert set(carried([COMEDY], said(THRILLER), adds=adds).constraints) == after


def test_also_does_not_keep_bounds_that_contradict():
    assert carried([year("min", 2000)], said(year("max", 1990)), adds=True).constraints == (year("max", 1990),)


@pytest.mark.parametrize(
    ("lifted", "left"),
    [
        ([("genres", "horror")], {COMEDY, year("min", 1990), QUIET}),
        ([("genres", None)], {year("min", 1990), QUIET}),
        ([("year", None)], {COMEDY, HORROR, QUIET}),
        ([("moods", "quiet")], {COMEDY, HORROR, year("min", 1990)}),
        ([("moods", None), ("year", None)], {COMEDY, HORROR}),
        ([("genres", "war")], {COMEDY, HORROR, year("min", 1990), QUIET}),
    ],
)
def test_what_is_lifted_no_longer_holds(lifted, left):
    request = carried([COMEDY, HORROR, year("min", 1990), QUIET], said(), lifted=lifted)
    assert {*request.constraints, *request.wishes} == left


def test_a_lifted_value_takes_the_alternatives_along():
    assert carried([EITHER], said(), lifted=[("genres", "romance")]).constraints == ()


def test_a_new_wish_keeps_exclusions_alone():
    before = [COMEDY, HORROR, year("min", 1990), QUIET]
    held = state(*before, liked=["heat-1995"], query="calm", context=["calmer"])
    request = carry(said(THRILLER), held, hold(held), refines=False)
    assert (set(request.constraints), request.wishes) == ({HORROR, THRILLER}, ())
    assert (request.intent, request.liked, request.context) == ("recommend", (), ())


def test_a_refinement_keeps_what_was_liked_and_the_last_wishes():
    held = state(QUIET, liked=["heat-1995", "her-2013"], query="by the sea", context=["with storms", "at night"])
    request = carry(said(DARK, disliked=("her-2013",), liked=("up-2009",)), held, hold(held), refines=True)
    assert request.intent == "refine"
    assert request.liked == ("heat-1995", "up-2009")
    assert request.context == ("by the sea", "with storms")
    assert request.wishes == (DARK, QUIET)  # the latest first


def test_a_wish_that_is_now_excluded_is_gone():
    request = carried([QUIET, DARK], said(Constraint("moods", "excludes", "quiet")))
    assert request.wishes == (DARK,)


def test_a_remark_about_items_changes_nothing_of_the_wish():
    request = carried([COMEDY, HORROR, QUIET], said(intent="react", liked=("heat-1995",)))
    assert (request.intent, request.constraints, request.wishes) == ("react", (COMEDY, HORROR), (QUIET,))
    assert request.liked == ("heat-1995",)


def test_a_question_leaves_the_state_as_it_was():
    held = state(COMEDY, HORROR, QUIET, liked=["heat-1995"], query="calm")
    asked = said(THRILLER, DARK, intent="ask_item", query="is it sad", liked=("up-2009",), disliked=("her-2013",), seen=("x",))
    request = stand(asked, held, hold(held))
    assert (request.constraints, request.wishes) == ((COMEDY, HORROR), (QUIET,))
    assert (request.query, request.liked, request.disliked, request.seen) == ("", ("heat-1995",), (), ())
    assert request.context == ("calm",)


def test_what_is_to_be_forgotten_is_no_longer_liked():
    held = state(liked=["heat-1995", "up-2009"])
    request = stand(said(intent="profile", opening="forget", named=("heat-1995",)), held, hold(held))
    assert request.liked == ("up-2009",)


def test_anything_but_that_turns_demands_into_exclusions():
    request = turn_round(said(QUIET), [COMEDY, HORROR, year("min", 1990)])
    assert request.constraints == (Constraint("genres", "excludes", "comedy"),)
    values = {c.value for c in turn_round(said(), [EITHER]).constraints}
    assert (values, request.wishes) == ({"comedy", "romance"}, (QUIET,))


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "after"),
    [
        ("comedies after 2000", "before 1990", {"genres includes comedy", "year max 1989"}),
        ("2000年以后的喜剧", "1990年以前的", {"genres includes comedy", "year max 1989"}),
        ("comedies after 2000", "before 2010", {"genres includes comedy", "year min 2001", "year max 2009"}),
        ("2000年以后的喜剧", "2010年以前的", {"genres includes comedy", "year min 2000", "year max 2009"}),
        ("comedies under two hours", "at least 150 minutes", {"genres includes comedy", "runtime min 150"}),
        ("a comedy", "also romance", {"genres includes comedy", "genres includes romance"}),
        ("喜剧", "还要爱情片", {"genres includes comedy", "genres includes romance"}),
        ("a comedy", "romance", {"genres includes romance"}),
        ("喜剧", "爱情片", {"genres includes romance"}),
        ("a western", "anything but that", {"genres excludes western"}),
        ("西部片", "这种不要", {"genres excludes western"}),
        ("a comedy from the 1990s", "any year is fine", {"genres includes comedy"}),
        ("九十年代的喜剧", "年代无所谓", {"genres includes comedy"}),
        (
            "a comedy under 100 minutes, no horror",
            "runtime doesn't matter",
            {"genres includes comedy", "genres excludes horror"},
        ),
        ("100分钟以内的喜剧", "片长不限", {"genres includes comedy"}),
        ("a quiet comedy", "forget the comedy thing", {"~quiet"}),
        ("安静的喜剧", "喜剧就算了", {"~quiet"}),
        ("no horror, no musicals", "actually horror is fine", {"genres excludes musical"}),
        ("不要恐怖片，不要歌舞片", "恐怖片也可以", {"genres excludes musical"}),
        ("a quiet comedy, no horror", "start over", set()),
        ("安静的喜剧，不要恐怖片", "重新开始", set()),
    ],
)
def test_what_a_second_message_changes(talk, first, last, after):
    assert parts(talk(first, last)[-1]) == after


# -- exclusions --------------------------------------------------------------------------------------------------------

KEEPERS = {
    "en": [
        "thanks!",
        "who directed the second one?",
        "I'd like a long Korean thriller about revenge",
        "others",
        "I loved Heat",
    ],
    "zh": ["谢谢", "第二部多长？", "推荐一部韩国犯罪片", "还有别的吗", "我喜欢《盗火线》"],
}
NO = {"genres excludes horror", "people excludes Tom Hanks"}


@pytest.mark.parametrize("language", KEEPERS)
def test_exclusions_survive_five_turns_of_anything(talk, language):
    first = {"en": "a comedy, no horror, nothing with Tom Hanks", "zh": "喜剧，不要恐怖片，不要汤姆·汉克斯的"}[language]
    requests = talk(first, *KEEPERS[language])
    assert [NO <= parts(request) for request in requests] == [True] * 6
    assert requests[1].intent == "chat"
    assert requests[2].intent == "ask_item"
    assert requests[3].intent == "recommend"  # a new wish: the comedy is gone
    assert "genres includes comedy" not in parts(requests[3])


# message -> what it excludes and what it allows again; "*": everything
MOVES = {
    "no horror please": ({"horror"}, set()),
    "without musicals": ({"musical"}, set()),
    "a quiet comedy, but no westerns": ({"western"}, set()),
    "不要恐怖片": ({"horror"}, set()),
    "不看歌舞片": ({"musical"}, set()),
    "actually horror is fine": (set(), {"horror"}),
    "恐怖片也可以": (set(), {"horror"}),
    "I'd like a western": (set(), {"western"}),
    "start over": (set(), {"*"}),
    "重新开始": (set(), {"*"}),
    **dict.fromkeys(
        [
            "thanks!",
            "hello",
            "谢谢",
            "🙂",
            "what can you do?",
            "what's the weather like?",
            "今天天气怎么样",
            "who directed the second one?",
            "第一部多长？",
            "compare the first two",
            "I loved the second one",
            "我喜欢《盗火线》",
            "what do you know about me?",
            "others",
            "还有别的吗",
            "shorter",
            "新一点",
            "from the 1990s",
            "also something romantic",
            "any year is fine",
            "something like Interstellar",
            "I'd like a long Korean thriller about revenge",
            "推荐两部香港动作片",
            "a Japanese film instead",
        ],
        (set(), set()),
    ),
}


def test_an_exclusion_holds_until_it_is_lifted_or_the_talk_starts_over(talk):
    @settings(max_examples=150)
    @given(st.lists(st.sampled_from(list(MOVES)), min_size=1, max_size=7))
    def check(messages):
        held: set[str] = set()
        for message, request in zip(messages, talk(*messages), strict=True):
            excludes, allows = MOVES[message]
            held = ((set() if "*" in allows else held) | excludes) - allows
            genres = {c.value for c in request.constraints if (c.field, c.op) == ("genres", "excludes")}
            assert genres == held, (message, request)
            demanded = {v for c in request.constraints if c.field == "genres" and c.op != "excludes" for v in c.values}
            assert not genres & demanded

    check()


# -- taken out by hand -------------------------------------------------------------------------------------------------

ENGLISH, CHINESE = "a quiet comedy from the 1990s, no horror, no musicals", "九十年代安静的喜剧，不要恐怖片，不要歌舞片"
HELD = {
    "~quiet",
    "genres includes comedy",
    "year min 1990",
    "year max 1999",
    "genres excludes horror",
    "genres excludes musical",
}


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (ENGLISH, "Take away: no horror"),
        (CHINESE, "去掉：不要恐怖片"),
        (ENGLISH, "I loved Heat, a western from 2005 please, and start over"),
        (CHINESE, "我喜欢《盗火线》，想看2005年的西部片，重新开始"),
        (ENGLISH, "thanks"),
        (CHINESE, "谢谢"),
        (ENGLISH, "who directed the second one?"),
    ],
)
@pytest.mark.parametrize(
    ("drop", "gone"),
    [
        ([HORROR], {"genres excludes horror"}),
        ([QUIET], {"~quiet"}),
        ([COMEDY], {"genres includes comedy"}),
        ([year("min", 1990), year("max", 1999)], {"year min 1990", "year max 1999"}),
        ([DARK, THRILLER], set()),
    ],
)
def test_only_what_was_taken_out_changes_whatever_the_message_says(talk, first, message, drop, gone):
    before, after = talk(first, message, drop=drop)
    assert parts(before) == HELD
    assert parts(after) == HELD - gone
    assert (after.intent, after.text, after.query) == ("refine", message, "")
    assert (after.named, after.stated, after.attitudes, after.liked) == ((), (), (), ())


def test_what_was_taken_out_stays_out(talk, reader):
    [_, request] = talk(ENGLISH, "x", drop=[HORROR])
    turn = Turn("t", "ann", "c", request, (), "", {}, {})
    later = reader.read("shorter", Conversation("c", "ann", (StoredTurn("t", 0.0, "x", turn_record(turn)),)))
    assert "genres excludes horror" not in parts(later)
    assert "genres excludes musical" in parts(later)


# -- which do you mean? ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer", "item"),
    [
        ("is it long?", "Interstellar", "interstellar-2014"),
        ("is it long?", "Solaris", "solaris-1972"),
        ("is it long?", "Moon", "moon-2009"),  # an ordinary word, as a pressed button sends it
        ("is it long?", "moon", "moon-2009"),
        ("is it long?", "“Moon”.", "moon-2009"),
        ("它多长？", "《月球》", "moon-2009"),
        ("它多长？", "月球", "moon-2009"),
        ("它多长？", "《飞向太空》", "solaris-1972"),
    ],
)
def test_the_answer_to_which_reads_the_question_again(talk, asked, answer, item):
    _, question, request = talk("a quiet film, no horror", asked, answer)
    assert (question.intent, question.ambiguous, question.named) == ("ask_item", SHOWN, ())
    assert (request.intent, request.named, request.ambiguous) == ("ask_item", (item,), ())
    assert (request.text, request.answers) == (answer, asked)
    assert parts(request) == {"~quiet", "genres excludes horror"}


@pytest.mark.parametrize(("remark", "answer"), [("I loved that one", "Moon"), ("我很喜欢那部", "《月球》")])
def test_the_answer_to_which_reads_a_remark_again(talk, remark, answer):
    _, unclear, request = talk("space films", remark, answer)
    assert (unclear.ambiguous, unclear.stated) == (SHOWN, ())
    assert (request.stated, request.liked, request.answers) == ((("moon-2009", "liked"),), ("moon-2009",), remark)


@pytest.mark.parametrize("other", ["Parasite", "a comedy", "the moon is full", "thanks"])
def test_another_message_is_no_answer(talk, other):
    assert talk("space films", "is it long?", other)[-1].answers == ""


def asking(question):
    record = {"request": {}, "items": [], "question": question}
    return Conversation("c", "ann", (StoredTurn("t", 0.0, "is it long?", record),))


def test_only_a_question_about_items_offers_them():
    assert offered_items(asking({"about": "reference", "values": ["a", "b"]})) == ["a", "b"]
    assert offered_items(asking({"about": "genres", "values": ["a", "b"]})) == []
    assert offered_items(asking(None)) == []
    assert offered_items(Conversation("c", "ann")) == []


# -- where it came from ------------------------------------------------------------------------------------------------


def origins(request):
    found = {f"{c.field} {c.op} {c.value}": (c.turn, c.words, c.certainty) for c in request.constraints}
    return found | {f"~{w.value}": (w.turn, w.words, w.certainty) for w in request.wishes}


def test_every_part_says_which_message_and_words_it_came_from(talk):
    requests = talk("a quiet comedy", "thanks", "nothing scary", "from the 1990s")
    assert origins(requests[-1]) == {
        "genres includes comedy": (0, "comedy", 1.0),
        "~quiet": (0, "quiet", 1.0),
        "genres excludes horror": (2, "scary", IMPLIED),  # the words only suggest it
        "moods excludes scary": (2, "scary", 1.0),
        "year min 1990": (3, "the 1990s", 1.0),
        "year max 1999": (3, "the 1990s", 1.0),
    }


def test_every_part_says_where_it_came_from_in_chinese(talk):
    requests = talk("安静的喜剧", "谢谢", "不要恐怖片", "90分钟以内")
    found = {key: (turn, certainty) for key, (turn, _, certainty) in origins(requests[-1]).items()}
    assert found == {
        "genres includes comedy": (0, 1.0),
        "~quiet": (0, 1.0),
        "genres excludes horror": (2, 1.0),
        "runtime max 90": (3, 1.0),
    }
    words = {key: words for key, (_, words, _) in origins(requests[-1]).items()}
    assert words["genres excludes horror"] == "恐怖片"
    assert "90" in words["runtime max 90"]


def test_what_is_said_again_keeps_its_first_turn_and_what_replaces_it_has_its_own(talk):
    requests = talk("a comedy after 1990, no horror", "no horror, after 2005")
    assert {key: turn for key, (turn, _, _) in origins(requests[-1]).items()} == {
        "genres includes comedy": 0,
        "genres excludes horror": 0,
        "year min 2006": 1,
    }


def test_an_exclusion_by_anything_but_that_comes_from_the_message_that_says_so(talk):
    assert origins(talk("a western", "anything but that")[-1]) == {"genres excludes western": (1, "western", 1.0)}


def test_a_named_person_is_told_by_name(talk):
    assert origins(talk("films by Kurosawa")[-1]) == {"people includes Akira Kurosawa": (0, "Akira Kurosawa", 1.0)}


@pytest.mark.parametrize("messages", [("a horror film", "not too scary"), ("恐怖片", "别太吓人")])
def test_what_is_only_suggested_does_not_undo_what_was_asked_for(talk, messages):
    assert {"genres includes horror", "moods excludes scary"} <= parts(talk(*messages)[-1])
