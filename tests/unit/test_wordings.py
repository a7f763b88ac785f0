"""Wordings that the rules did not know at first: slips of the hand, titles in questions, what others think, what is noticed."""

from __future__ import annotations

from datetime import date

import pytest

from chatbot.cues import load_cues
from chatbot.lexicon import Lexicon
from chatbot.spelling import Spelling
from chatbot.types import Conversation, StoredTurn
from chatbot.understanding import Understanding
from retrieval.titles import NameIndex

DECADE = date.today().year // 10 * 10
HEAT, PARASITE, UP, AMELIE, TOTORO = "heat-1995", "parasite-2019", "up-2009", "amelie-2001", "my-neighbor-totoro-1988"


@pytest.fixture(scope="module")
def understanding(movies):
    """Rules alone over the films."""
    return Understanding(movies.domain, movies.items)


@pytest.fixture(scope="module")
def spelling(movies):
    """The words of the films domain and of the English cues."""
    return Spelling(Lexicon(movies.domain, movies.items.values()), load_cues("en"))


def after(*shown, intent="recommend", **request):
    """A conversation whose last turn showed some items."""
    record = {
        "items": [{"id": item} for item in shown],
        "request": {"intent": intent, "named": [], "constraints": [], "wishes": [], **request},
        "language": "en",
    }
    return Conversation("c", "u", (StoredTurn("1", 0.0, "a film", record),))


def state(request):
    """The constraints of a request, as text."""
    return {f"{c.field} {c.op} {'|'.join(map(str, c.values))}" for c in request.constraints}


# -- slips of the hand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("somthing frnech form the sixites", "something french form the sixties"),  # "form" is a word, too
        ("docmentary abuot musci", "documentary about music"),
        ("teh first one, how lnog", "the first one, how long"),
        ("not befroe 1995", "not before 1995"),
    ],
)
def test_words_that_the_rules_read_are_put_right(spelling, typed, meant):
    assert spelling.correct(typed, ()) == meant


@pytest.mark.parametrize(
    "text",
    [
        "something quiet for tonight",  # all are words
        "Miyazaki, Ghibli and Kieslowski",  # names are no slips
        "xqzt wvut",  # near to nothing
        "chillin with romcoms",  # no English of the lists, and known to the rules
        "惊悚片，两小时以内",
        "",
    ],
)
def test_other_words_stay_as_they_are(spelling, text):
    assert spelling.correct(text, ()) == text


def test_names_are_not_put_right(spelling, movies):
    names = NameIndex(movies.items.values(), movies.domain)
    text = "like Shawshenk Redemption"
    assert spelling.correct(text, names.find(text, fuzzy=True)) == text


def test_a_message_with_slips_is_read(understanding):
    request = understanding.read("crmie film, frnech, 2 hrs max", Conversation("c", "u"))
    assert state(request) == {"genres includes crime", "countries includes France", "runtime max 120"}
    assert request.text == "crmie film, frnech, 2 hrs max"  # kept as it was typed


# -- titles of ordinary words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("who directed heat?", HEAT),
        ("how long is Up", UP),
        ("what's amelie about?", AMELIE),
        ("is parasite any good?", PARASITE),
        ("小武讲什么的", "xiao-wu-1997"),
        ("活着是谁演的？", "to-live-1994"),
    ],
)
def test_a_title_of_which_something_is_asked(understanding, text, item):
    request = understanding.read(text, Conversation("c", "u"))
    assert (request.intent, request.named) == ("ask_item", (item,))


@pytest.mark.parametrize("text", ["is it up to me?", "how long is the wait", "who directed it?", "what's up?"])
def test_a_question_without_a_title(understanding, text):
    assert understanding.read(text, Conversation("c", "u")).named == ()


def test_a_title_that_was_shown_may_come_in_any_form(understanding):
    conversation = after(TOTORO, HEAT)
    assert understanding.read("we loved 龙猫", conversation).named == (TOTORO,)
    assert understanding.read("Heat is too long", conversation).named == (HEAT,)
    assert understanding.read("a heat wave film", conversation).named == ()
    assert understanding.read("something about the heat", after(UP)).named == ()


# -- judgements ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "attitudes"),
    [
        ("my flatmate hated Knives Out, I thought it was a hoot", {"knives-out-2019": "liked"}),
        ("my kids loved Paddington 2", {"paddington-2-2017": "liked"}),  # nothing else is said
        ("3 Idiots was superb, and Lagaan I have watched", {"3-idiots-2009": "liked", "lagaan-2001": "seen"}),
        ("Don't suggest Forrest Gump. Everybody suggests Forrest Gump.", {"forrest-gump-1994": "excluded"}),
        ("I'd take any Nolan save Inception", {"inception-2010": "excluded"}),
        ("Titanic: 2/10", {"titanic-1997": "disliked"}),
    ],
)
def test_what_is_said_of_titles(understanding, text, attitudes):
    assert dict(understanding.read(text, Conversation("c", "u")).attitudes) == attitudes


@pytest.mark.parametrize("text", ["Those are rather modern. I meant the forties.", "那几部太新了，我要四十年代的"])
def test_what_is_noticed_asks_for_nothing_like_it(understanding, text):
    request = understanding.read(text, after(UP, PARASITE, AMELIE))
    assert request.liked == ()
    assert not request.attitudes
    assert {"year min 1940", "year max 1949"} <= state(request)


def test_a_refusal_in_a_later_sentence(understanding):
    request = understanding.read("Ah yes, the Nolan. How daring. Not that one.", after("inception-2010", UP, HEAT))
    assert dict(request.attitudes) == {"inception-2010": "excluded"}


def test_a_question_after_a_statement_keeps_both(understanding):
    request = understanding.read("seen Inception. who directed the first one?", after(HEAT, UP))
    assert (request.intent, request.named[-1:]) == ("ask_item", (HEAT,))
    assert request.stated == (("inception-2010", "seen"),)


# -- what is no longer asked for -----------------------------------------------------------------------------------


def held(**constraint):
    """A conversation that holds one constraint."""
    return after(HEAT, constraints=[{"words": "", "turn": 0, "certainty": 1.0, **constraint}])


def test_a_number_that_is_taken_back(understanding):
    conversation = held(field="runtime", op="max", value=120)
    assert state(understanding.read("forget about the two hours", conversation)) == set()
    assert state(understanding.read("a comedy under 100 minutes, any country is fine", conversation)) == {
        "genres includes comedy",
        "runtime max 100",
    }


def test_a_person_who_is_taken_back_or_refused(understanding):
    conversation = held(field="people", op="includes", value="Tom Hanks")
    assert state(understanding.read("forget Tom Hanks", conversation)) == set()
    assert state(understanding.read("forget Meryl Streep", after(HEAT))) == {"people excludes Meryl Streep"}


# -- what else the later batches of cases taught -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("old westerns please", {"genres includes western", "year max 1980"}),
        ("老武侠片", {"genres includes martial-arts", "year max 1980"}),
        ("a love story for old friends", {"genres includes romance"}),
        (f"nothing from the {DECADE}s, a mystery", {f"year max {DECADE - 1}", "genres includes mystery"}),
        ("nothing from the fifties, a mystery", {"genres includes mystery"}),  # two bounds cannot leave out what lies between
        ("a Kurosawa that isn't three hours long", {"people includes Akira Kurosawa", "runtime max 180"}),
        ("noir <= 100 min", {"genres includes film-noir", "runtime max 100"}),
        ("my train takes two hours ten, it has to fit in that", {"runtime max 130"}),
        ("a cartoon for someone under 10 years old", {"genres includes animation", "age max 10"}),
        ("nothing older than fifteen years", {f"year min {date.today().year - 15}"}),
        ("恐怖片，台湾的也可以", {"genres includes horror"}),  # allowed, not asked for
    ],
)
def test_bounds_as_people_say_them(understanding, text, slots):
    assert state(understanding.read(text, Conversation("c", "u"))) == slots


def test_a_narrower_word_lifts_no_refusal(understanding):
    conversation = after(HEAT, constraints=[_part("genres", "excludes", "horror")])
    assert state(understanding.read("ghosts and vampires", conversation)) == {"genres excludes horror"}
    assert state(understanding.read("actually horror is fine", conversation)) == set()
    assert "genres excludes crime" not in state(understanding.read("a thriller, but no mafia", Conversation("c", "u")))


def _part(field, op, value):
    return {"field": field, "op": op, "value": value, "words": "", "turn": 0, "certainty": 1.0}


@pytest.mark.parametrize(("text", "intent"), [("which of these is the shortest?", "compare"), ("这几部哪个最短", "compare")])
def test_which_of_what_was_shown(understanding, text, intent):
    request = understanding.read(text, after(UP, PARASITE, AMELIE))
    assert (request.intent, set(request.named)) == (intent, {UP, PARASITE, AMELIE})


def test_the_other_one_is_none_that_was_spoken_of(understanding):
    conversation = after(UP, PARASITE, AMELIE, attitudes=[[UP, "seen"], [PARASITE, "asked"]])
    for text in ("what's the other one about?", "另一部讲什么的"):
        request = understanding.read(text, conversation)
        assert (request.intent, request.refers) == ("ask_item", (AMELIE,)), text
