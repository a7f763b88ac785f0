"""Words that point at what was shown: which items they mean, when they could mean several, and when they mean none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chatbot.clauses import mask_names
from chatbot.cues import load_cues
from chatbot.lexicon import Lexicon
from chatbot.references import Pointer
from chatbot.understanding import detect_language
from retrieval.titles import NameIndex

SAMURAI, PARASITE, MOOD, UP, HEAT = FIVE = (
    "seven-samurai-1954",  # Japan, 207 minutes, Kurosawa
    "parasite-2019",  # South Korea, 132 minutes
    "in-the-mood-for-love-2000",  # Hong Kong and France, 98 minutes, Wong Kar-wai; the only romance
    "up-2009",  # United States, 96 minutes; a house, a dog
    "heat-1995",  # United States, 170 minutes; a bank robber; Al Pacino
)
THREE, TWO = FIVE[:3], FIVE[:2]
CHUNGKING = "chungking-express-1994"  # Hong Kong, Wong Kar-wai


@pytest.fixture(scope="module")
def find(movies):
    """Find what a message points at: find(text, shown=FIVE, latest=None)."""
    names, pointer = (
        NameIndex(movies.items.values(), movies.domain),
        Pointer(movies.domain, Lexicon(movies.domain, movies.items.values())),
    )

    def find(text, shown=FIVE, latest=None):
        language = detect_language(text)
        cues, mentions = load_cues(language, movies.domain), names.find(text, fuzzy=True)
        masked = mask_names(text, mentions).translate(cues.variants)
        return pointer.find(masked, language, cues, [movies.items[i] for i in shown], latest, mentions)

    return find


def test_a_pointing_says_where_it_stands(find):
    text = "I have seen the first one, is the Korean one long?"
    first, second = find(text)
    assert text[first.start : first.end] == "the first one"
    assert text[second.start : second.end] == "the Korean one"
    assert (first.items, second.items) == ((SAMURAI,), (PARASITE,))
    assert not any(p.ambiguous or p.pronoun for p in (first, second))


# -- ordinals ----------------------------------------------------------------------------------------------------------

PLACES = [
    ("who directed the first one?", 1),
    ("the very first one", 1),
    ("tell me about the second film", 2),
    ("is the 2nd one sad?", 2),
    ("how long is the third", 3),
    ("the fourth one looks good", 4),
    ("the fifth one", 5),
    ("the last one", 5),
    ("the final film is boring", 5),
    ("the last of them", 5),
    ("what about the middle one?", 3),
    ("#2", 2),
    ("number 3 please", 3),
    ("option four", 4),
    ("2", 2),
    ("1: what is the plot", 1),
    ("like 3, but funnier", 3),
    ("第一部是谁导演的", 1),
    ("头一部", 1),
    ("首部怎么样", 1),
    ("第二部多长", 2),
    ("看过第3部", 3),
    ("第四个", 4),
    ("第五部吓人吗", 5),
    ("最后一部", 5),
    ("最后那部讲什么", 5),
    ("倒数第二部", 4),
    ("倒数第三部", 3),
    ("3号", 3),
    ("中间那部", 3),
    ("当中的那部", 3),
]


@pytest.mark.parametrize(("text", "place"), PLACES, ids=[text for text, _ in PLACES])
def test_an_ordinal_means_the_item_in_its_place(find, text, place):
    [pointing] = find(text)
    assert (pointing.items, pointing.ambiguous, pointing.pronoun) == ((FIVE[place - 1],), False, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the sixth one", FIVE),
        ("the third one", TWO),
        ("#3", TWO),
        ("3", TWO),
        ("第三部", TWO),
        ("倒数第三部", TWO),
        ("the middle one", TWO),  # of two there is none
        ("the middle one", FIVE[:4]),
    ],
)
def test_a_place_that_there_is_not_means_nothing(find, text, shown):
    assert find(text, shown) == []


@pytest.mark.parametrize(
    "text",
    [
        "a film about the second world war",
        "somebody's first love",
        "20 films",
        "two hours",
        "the last twenty years",
        "第二次世界大战",
        "一部喜剧",
        "想看两部",
        "第一次恋爱",
    ],
)
def test_an_ordinal_of_something_else_points_at_nothing(find, text):
    assert find(text) == []


# -- groups ------------------------------------------------------------------------------------------------------------

GROUPS = [
    ("both of them", TWO, TWO),
    ("I've seen both", TWO, TWO),
    ("the two films", TWO, TWO),
    ("这两部都看过", TWO, TWO),
    ("它们有什么不同", TWO, TWO),
    ("all of them", FIVE, FIVE),
    ("seen them all", FIVE, FIVE),
    ("how do these differ?", FIVE, FIVE),
    ("all three", THREE, THREE),
    ("这三部", THREE, THREE),
    ("三部我都看过", THREE, THREE),
    ("这些我看过", FIVE, FIVE),
    ("这几部都没意思", FIVE, FIVE),
    ("the first two", FIVE, TWO),
    ("the first three films", FIVE, THREE),
    ("the last two of them", FIVE, (UP, HEAT)),
    ("前两部", FIVE, TWO),
    ("前三部", FIVE, THREE),
    ("后两部", FIVE, (UP, HEAT)),
]


@pytest.mark.parametrize(("text", "shown", "meant"), GROUPS, ids=[text for text, _, _ in GROUPS])
def test_a_group_means_several_and_is_not_ambiguous(find, text, shown, meant):
    [pointing] = find(text, shown)
    assert (pointing.items, pointing.ambiguous) == (tuple(meant), False)


def test_a_described_group_is_as_many_as_it_says(find):
    [pointing] = find("美国的那两部")
    assert (pointing.items, pointing.ambiguous) == ((UP, HEAT), False)


@pytest.mark.parametrize("text", ["these two", "those three films", "这两部", "那三部", "美国的那三部"])
def test_a_group_of_another_number_than_was_shown_is_not_all_of_them(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    "text",
    ["I've seen the first one, what about the other two?", "第一部看过，剩下两部呢", "the first one no, the other two yes"],
)
def test_the_others_are_those_that_were_not_pointed_at(find, text):
    first, rest = find(text, THREE)
    assert (first.items, rest.items, rest.ambiguous) == ((SAMURAI,), (PARASITE, MOOD), False)


@pytest.mark.parametrize("text", ["and the other two?", "另外两部呢"])
def test_the_others_are_those_that_were_not_spoken_of(find, text):
    assert [p.items for p in find(text, THREE, latest=PARASITE)] == [(SAMURAI, MOOD)]


@pytest.mark.parametrize("text", ["the other two", "剩下两部"])
def test_the_others_of_nothing_are_none(find, text):
    assert find(text, THREE) == []


# -- the most and the least --------------------------------------------------------------------------------------------

EXTREMES = [
    ("the longest", FIVE, SAMURAI),
    ("is the longest one sad?", FIVE, SAMURAI),
    ("the shortest film", FIVE, UP),
    ("the oldest of them", FIVE, SAMURAI),
    ("the newest one", FIVE, PARASITE),
    ("the most recent", FIVE, PARASITE),
    ("the shorter of the two", TWO, PARASITE),
    ("the longer one", TWO, SAMURAI),
    ("the older one of the two", TWO, SAMURAI),
    ("the newer one", TWO, PARASITE),
    ("最长的那部", FIVE, SAMURAI),
    ("里面最短的是哪部", FIVE, UP),
    ("最新的那部", FIVE, PARASITE),
    ("最老的", FIVE, SAMURAI),
    ("短的那部", TWO, PARASITE),
    ("更长的那部", TWO, SAMURAI),
    ("老的那部谁演的", TWO, SAMURAI),
    ("新的那部", TWO, PARASITE),
]


@pytest.mark.parametrize(("text", "shown", "meant"), EXTREMES, ids=[text for text, _, _ in EXTREMES])
def test_an_extreme_is_looked_up_on_the_cards(find, text, shown, meant):
    [pointing] = find(text, shown)
    assert (pointing.items, pointing.ambiguous) == ((meant,), False)


@pytest.mark.parametrize("text", ["the newest", "最新的那部"])
def test_a_tie_is_ambiguous(find, text):
    [pointing] = find(text, ("moon-2009", SAMURAI, UP))  # 2009 and 2009
    assert (pointing.items, pointing.ambiguous) == (("moon-2009", UP), True)


# -- described ---------------------------------------------------------------------------------------------------------

DESCRIBED = [
    ("the Korean one", PARASITE),
    ("that Japanese film", SAMURAI),
    ("the animated one", UP),
    ("is the violent one any good?", HEAT),
    ("the one from 1995", HEAT),
    ("the one from the fifties", SAMURAI),
    ("the one with the dog", UP),  # stands in its text
    ("the one with the balloons", UP),
    ("the one about a bank robber", HEAT),
    ("the one with Al Pacino", HEAT),
    ("the one directed by Bong Joon-ho", PARASITE),
    ("how long is the romance?", MOOD),
    ("那部韩国的", PARASITE),
    ("韩国那部", PARASITE),
    ("日本的那部", SAMURAI),
    ("动画那部多长", UP),
    ("九十年代那部", HEAT),
    ("有狗的那部", UP),
    ("那部有气球的", UP),
    ("讲劫匪的那个", HEAT),
    ("租客那部", MOOD),
    ("那部韩国怎么样", PARASITE),
]


@pytest.mark.parametrize(("text", "meant"), DESCRIBED, ids=[text for text, _ in DESCRIBED])
def test_a_description_means_the_item_whose_card_has_it(find, text, meant):
    [pointing] = find(text)
    assert (pointing.items, pointing.ambiguous, pointing.pronoun) == ((meant,), False, False)


@pytest.mark.parametrize("text", ["the American one", "那部美国的"])
def test_a_description_of_two_is_ambiguous(find, text):
    [pointing] = find(text)
    assert (pointing.items, pointing.ambiguous) == ((UP, HEAT), True)


@pytest.mark.parametrize("text", ["the Italian one", "the one with a spaceship captain", "the musical one"])
def test_a_description_of_none_points_at_nothing(find, text):
    assert find(text) == []


@pytest.mark.parametrize("text", ["这部好看吗", "那部怎么样", "那个多长", "那部吓人吗"])
def test_what_is_asked_is_no_description(find, text):
    [pointing] = find(text, latest=PARASITE)
    assert (pointing.items, pointing.pronoun) == ((PARASITE,), True)


# -- people ------------------------------------------------------------------------------------------------------------

PEOPLE = [
    ("the Kurosawa", SAMURAI),
    ("is the Kurosawa long?", SAMURAI),
    ("the Wong Kar-wai", MOOD),
    ("the Kurosawa one", SAMURAI),
    ("王家卫这部", MOOD),
    ("王家卫导演的那部", MOOD),
    ("黑泽明那部多长", SAMURAI),
]


@pytest.mark.parametrize(("text", "meant"), PEOPLE, ids=[text for text, _ in PEOPLE])
def test_a_person_means_the_item_they_made(find, text, meant):
    [pointing] = find(text)
    assert (pointing.items, pointing.ambiguous) == ((meant,), False)


def test_a_person_of_two_items_is_ambiguous_unless_both_are_meant(find):
    shown = (MOOD, CHUNGKING, PARASITE)
    for text in ("王家卫这部", "the Wong Kar-wai one"):
        [pointing] = find(text, shown)
        assert (pointing.items, pointing.ambiguous) == ((MOOD, CHUNGKING), True)
    [both] = find("王家卫那两部", shown)
    assert (both.items, both.ambiguous) == ((MOOD, CHUNGKING), False)


def test_a_person_by_themselves_points_at_nothing(find):
    assert find("something by Kurosawa") == []
    assert find("王家卫的电影") == []
    assert find("the Tarantino") == []  # had no part in any of them


# -- pronouns ----------------------------------------------------------------------------------------------------------

PRONOUNS = ["is it long?", "I loved it", "who made that one?", "this film", "它多长", "这部好看吗", "那部", "谁导演的"]


@pytest.mark.parametrize("text", PRONOUNS)
def test_a_pronoun_means_the_only_item_shown(find, text):
    [pointing] = find(text, (HEAT,))
    assert (pointing.items, pointing.ambiguous, pointing.pronoun) == ((HEAT,), False, True)


@pytest.mark.parametrize("text", PRONOUNS)
def test_a_pronoun_could_mean_any_of_several(find, text):
    [pointing] = find(text)
    assert (pointing.items, pointing.ambiguous, pointing.pronoun) == (FIVE, True, True)


@pytest.mark.parametrize("text", PRONOUNS)
def test_a_pronoun_means_what_was_spoken_of_last(find, text):
    [pointing] = find(text, latest=MOOD)
    assert (pointing.items, pointing.ambiguous, pointing.pronoun) == ((MOOD,), False, True)


@pytest.mark.parametrize("text", ["the second one, is it long?", "第二部，它多长"])
def test_a_pronoun_beside_what_is_clear_is_that(find, text):
    assert [p.items for p in find(text)] == [(PARASITE,)]


def test_only_the_first_pronoun_counts(find):
    assert len(find("I liked it, it was good, I'd see it again")) == 1


# -- nothing to point at -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [text for text, *_ in (*PLACES, *GROUPS, *EXTREMES, *DESCRIBED, *PEOPLE)] + PRONOUNS,
)
def test_nothing_points_when_nothing_was_shown(find, text):
    assert find(text, ()) == []


def test_a_title_is_no_pointing(find):
    assert find("have you The Last Emperor") == []
    assert find("《最后一部电影》和《第二部》") != find("最后一部和第二部")


def test_the_longest_of_two_that_overlap_counts(find):
    text = "the first two films"  # and in it "the first"
    [pointing] = find(text)
    assert text[pointing.start : pointing.end] == text
    assert pointing.items == TWO


def test_pointings_come_in_the_order_of_the_text_and_do_not_overlap(find):
    found = find("the last one, the Korean one, #1 and the shortest")
    assert [p.items for p in found] == [(HEAT,), (PARASITE,), (SAMURAI,), (UP,)]
    assert all(a.end <= b.start for a, b in pairwise(found))
