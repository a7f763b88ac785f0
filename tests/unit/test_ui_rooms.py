"""What stands beside the conversation, as HTML, and what its presses do."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from test_ui_cards import BAD, HOSTILE, ITEM, Elements

from chatbot.types import Heading, Profile
from chatbot.ui.cards import Shelf
from chatbot.ui.discover import render_discover
from chatbot.ui.item_panel import render_item
from chatbot.ui.map_panel import render_map
from chatbot.ui.memory import Memory
from chatbot.ui.saved_panel import render_saved, saved_table
from chatbot.ui.settings_panel import machine_facts, render_settings
from chatbot.ui.side import name_of, render_side, say_day
from retrieval.domain_files import load_domain
from retrieval.errors import ZhiyinError
from retrieval.events import Event

TODAY = date(2026, 3, 2)
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture(scope="module")
def shelf():
    items = {ITEM.id: ITEM, BAD.id: BAD}
    return Shelf(load_domain("movies"), items, Profile("me", liked=("moon-2009",), saved=(BAD.id, "gone", "moon-2009")))


def moment(*day):
    return datetime(*day, 12).timestamp()


@pytest.mark.parametrize(
    ("day", "english", "chinese"),
    [
        ((2026, 3, 2), "Today", "今天"),
        ((2026, 3, 3), "Today", "今天"),  # a clock that is ahead
        ((2026, 3, 1), "Yesterday", "昨天"),
        ((2026, 2, 28), "28 February", "2月28日"),
        ((2025, 12, 31), "31 December 2025", "2025年12月31日"),
    ],
)
def test_days_are_named_as_near_as_they_are(day, english, chinese):
    assert say_day(moment(*day), "en", TODAY) == english
    assert say_day(moment(*day), "zh", TODAY) == chinese


def heading(name, day=(2026, 3, 2), title="", said="something funny"):
    return Heading(name, moment(*day), title, said, 1)


def test_a_conversation_is_called_as_the_person_says_or_as_it_began():
    assert name_of(heading("a", title="Rainy days")) == "Rainy days"
    assert name_of(heading("a", said="two\n lines")) == "two lines"
    assert len(name_of(heading("a", said="long " * 100))) == 60


@LANGUAGES
def test_past_conversations_stand_under_their_days(language):
    found = [heading("a"), heading("b", title=HOSTILE), heading(HOSTILE, (2025, 1, 1))]
    page = Elements(render_side(found, "b", language, today=TODAY))
    opened = page.all(**{"class": "open"})
    assert [b["data-open"] for b in opened] == ["a", "b", HOSTILE]
    assert [b.get("aria-current") for b in opened] == [None, "true", None]
    assert "img" not in {tag for tag, _ in page.found}
    assert len([s for tag, s in page.found if tag == "section"]) == 2
    rooms = [b["data-show"] for b in page.all(type="button") if "data-show" in b]
    assert rooms == ["map", "saved", "profile", "settings"]


@LANGUAGES
def test_of_many_conversations_the_latest_are_listed_and_the_others_counted(language):
    page = Elements(render_side([heading(str(n)) for n in range(75)], "", language, today=TODAY))
    assert [b["data-open"] for b in page.all(**{"class": "open"})] == [str(n) for n in range(60)]
    assert {"en": "15 older ones", "zh": "还有 15 段"}[language] in page.words


def test_no_conversation_and_none_found_are_said():
    assert "will be here" in Elements(render_side([], "", "en")).words
    assert HOSTILE in Elements(render_side([], "", "en", words=HOSTILE)).words


@LANGUAGES
def test_the_details_hold_the_whole_card(shelf, language):
    page = Elements(render_item(ITEM, [(BAD.id, ("space", HOSTILE)), ("gone", ())], language, shelf))
    words = {"en": ("Moon", "science fiction, drama", "Duncan Jones", "97 min", "A man alone.", "Similar")}
    words["zh"] = ("月球", "科幻、剧情", "邓肯·琼斯", "97分钟", "一个人。", "相似的")
    assert all(word in page.words for word in words[language])
    assert [li["data-item"] for tag, li in page.found if tag == "li" and "data-item" in li] == [BAD.id]
    assert "img" not in {tag for tag, _ in page.found}


@LANGUAGES
def test_what_is_saved_stands_the_latest_first(shelf, language):
    page = Elements(render_saved(language, shelf))
    assert [li["data-item"] for tag, li in page.found if tag == "li"] == ["moon-2009", BAD.id]
    empty = Elements(render_saved(language, replace(shelf, profile=Profile("me"))))
    assert {"en": "Nothing yet", "zh": "还没有"}[language] in empty.words


def test_the_table_of_what_is_saved_is_read_by_table_programs(shelf):
    formula = replace(BAD, titles={"en": "=1+1", "original": "@x"})
    items = {**shelf.items, BAD.id: formula}
    rows = list(csv.reader(io.StringIO(saved_table("en", replace(shelf, items=items)).removeprefix("\ufeff"))))
    assert rows[0][:3] == ["title", "original title", "year"]
    assert rows[1][:3] == ["Moon", "Moon", "2009"]
    assert rows[2][:2] == ["'=1+1", "'@x"]


@LANGUAGES
def test_settings_show_what_is_chosen_and_what_answers(language):
    facts = machine_facts({"name": HOSTILE, "engine": "llama.cpp"}, [3.0, 1.0, 2.0], 408, language)
    page = Elements(render_settings(Memory("me", count=4, explore="far"), 4, facts, language))
    chosen = [a["value"] for tag, a in page.found if tag == "input" and "checked" in a]
    assert chosen == ["4", "far"]
    assert "2.0" in page.words
    assert "408" in page.words
    assert HOSTILE in page.words
    assert "2.0" not in Elements(render_settings(Memory("me"), 3, machine_facts({}, [], 1, language), language)).words


def test_the_start_page_remembers_what_it_showed(shelf):
    page = Elements(render_discover(["moon-2009", BAD.id, "gone"], "en", shelf, ["a"]))
    (others,) = [b["data-others"] for b in page.all(type="button") if "data-others" in b]
    assert json.loads(others) == ["a", "moon-2009", BAD.id, "gone"]
    assert [b["data-kind"] for b in page.all(type="button") if "data-kind" in b] == ["liked", "disliked", "seen"] * 2
    assert render_discover([], "en", shelf) == ""


@LANGUAGES
def test_the_map_gives_the_script_places_and_everybody_a_list(shelf, language):
    region = SimpleNamespace(x=0.5, y=0.25, label=HOSTILE)
    found = SimpleNamespace(ids=("moon-2009", BAD.id), xy=np.array([[0.0, 0.5], [1.0, 0.123]], np.float32), regions=(region,))
    page = Elements(render_map(found, ["moon-2009", "gone"], language, shelf))
    (data,) = [json.loads(a["data-map"]) for _, a in page.found if "data-map" in a]
    assert data["items"] == [
        ["moon-2009", {"en": "Moon", "zh": "月球"}[language], 0, 500, data["items"][0][4], "liked"],
        [BAD.id, BAD.title(language), 1000, 123, data["items"][1][4], "saved"],
    ]
    assert data["regions"] == [[HOSTILE, 500, 250]]
    assert [b["data-item"] for b in page.all(data_show="item")] == ["moon-2009", BAD.id]


@pytest.mark.parametrize(
    "data", [{"count": 99, "explore": "x"}, {"count": "5", "explore": None}, {"count": True}, {"count": -1, "explore": []}]
)
def test_settings_of_a_browser_are_not_trusted(data):
    memory = Memory.read(data, "me")
    assert (memory.count, memory.explore) in ((0, "usual"), (1, "usual"))
    assert Memory.read({"user": "ann"}, "me", "bob").user == "bob"


class TestPresses:
    """On a real pipeline, without a browser."""

    @pytest.fixture
    def site(self, make_pipeline):
        from chatbot.loading import Loader
        from chatbot.ui.session import Sessions

        pipeline = make_pipeline()
        loader = Loader(lambda report: pipeline)
        loader.start()
        loader.wait(10)
        return Sessions(loader)

    def talk(self, site, message, conversation, user="ann", **more):
        memory = Memory(user, conversation=conversation, **more)
        list(site.answer("s", message, memory, "en"))
        return memory

    def ask(self, site, memory, **asked):
        return site.beside("s", memory, "en", json.dumps(asked))

    def test_conversations_are_opened_renamed_searched_and_removed(self, site):
        memory = self.talk(site, "something funny", "one")
        self.talk(site, "something sad", "two")
        shown = self.ask(site, memory, open="two")
        assert (shown.memory.conversation, shown.talk) == ("two", True)
        assert "Rainy" in self.ask(site, memory, rename="two", title=" Rainy ").side
        assert "something funny" not in self.ask(site, memory, find="rainy").side
        shown = self.ask(site, memory, remove="two")
        assert (shown.talk, "Rainy" in shown.side) == (False, False)
        shown = self.ask(site, memory, remove="one")
        assert (shown.talk, shown.memory.conversation) == (True, "")

    def test_those_of_somebody_else_are_not_touched(self, site):
        self.talk(site, "my secret wish", "hers", "eve")
        mine = Memory("ann", conversation="mine")
        assert "secret" not in self.ask(site, mine, find="secret").side.replace("has “secret”", "")
        for asked in ({"rename": "hers", "title": "x"}, {"remove": "hers"}):
            with pytest.raises(ZhiyinError):
                self.ask(site, mine, **asked)
        assert site.pipeline.store.headings("eve")[0].title == ""

    def test_settings_count_for_the_next_answer(self, site):
        memory = self.ask(site, Memory("ann", conversation="one"), setting="count", value="5").memory
        memory = self.ask(site, memory, setting="explore", value="far").memory
        assert (memory.count, memory.explore) == (5, "far")
        list(site.answer("s", "something funny", memory, "en"))
        assert len(site.pipeline.store.load("one", "ann").turns[0].record["items"]) == 5
        for name, value in (("count", "0"), ("count", "x"), ("explore", "9"), ("else", "1")):
            with pytest.raises(ValueError, match="no such setting"):
                self.ask(site, memory, setting=name, value=value)

    def test_a_message_said_anew_takes_the_place_of_the_last(self, site):
        memory = self.talk(site, "I loved Jaws, something funny", "one")
        (turn,) = site.pipeline.store.load("one", "ann").turns
        assert site.pipeline.profile("ann").liked
        steps = list(site.press("s", json.dumps({"say": "something sad", "instead": turn.id}), memory, "en"))
        assert steps[-1].held is not None
        (turn,) = site.pipeline.store.load("one", "ann").turns
        assert turn.message == "something sad"
        assert not site.pipeline.profile("ann").liked
        (step,) = site.press("s", json.dumps({"say": " ", "instead": turn.id}), memory, "en")
        assert "empty" in step.error
        assert len(site.pipeline.store.load("one", "ann").turns) == 1
        (step,) = site.press("s", json.dumps({"say": "x", "instead": "older"}), memory, "en")
        assert "no longer holds" in step.error

    def test_the_last_message_is_tried_again(self, site):
        memory = self.talk(site, "something funny", "one")
        before = site.pipeline.store.load("one", "ann").turns
        list(site.press("s", json.dumps({"retry": True}), memory, "zh"))
        after = site.pipeline.store.load("one", "ann").turns
        assert [turn.message for turn in after] == ["something funny"]
        assert after[0].id != before[0].id
        assert after[0].record["language"] == "en"

    def test_somebody_known_gets_no_start_page_and_reactions_choose_the_next(self, site):
        memory = Memory("ann", conversation="one")
        first = site.discover("s", memory, "en")
        assert first.count('class="tile"') == 8
        shown = [a["data-item"] for a in Elements(first).all(**{"class": "tile"})]
        again = self.ask(site, memory, others=json.dumps(shown)).discover
        assert not {a["data-item"] for a in Elements(again).all(**{"class": "tile"})} & set(shown)
        everything = json.dumps(list(site.pipeline.index.items))
        assert self.ask(site, memory, others=everything).discover.count('class="tile"') == 8  # it begins again
        site.pipeline.learn(Event("ann", "liked", shown[0]))
        assert site.discover("s", memory, "en") == ""

    def test_in_private_the_settings_hold_and_nothing_is_remembered(self, site):
        memory = Memory("ann", conversation="kept")
        site.begin_private("s")
        list(site.answer("s", "something funny", memory, "en"))
        assert self.ask(site, memory, setting="count", value="2").memory == replace(memory, count=2)
        assert "something funny" not in site.side("s", memory, "en")
        self.ask(site, memory, open="kept")
        assert not site.private("s")

    @pytest.mark.parametrize(
        "asked", ["", "[]", '{"show": "x"}', '{"show": "item", "item": "gone"}', '{"x": 1}', '{"rename": "a"}']
    )
    def test_what_cannot_be_pressed_is_refused(self, site, asked):
        with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
            site.beside("s", Memory("ann"), "en", asked)
