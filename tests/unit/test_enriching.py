"""What the model fills in: words of the vocabulary that fit here better than elsewhere, and phrases of the text."""

from __future__ import annotations

import threading

import pytest

from chatbot.enriching import MAX_FAILURES, Enricher
from chatbot.phrases import phrases_of
from retrieval.domain_files import load_domain, make_domain
from retrieval.errors import EngineError
from retrieval.inferred import append_inferred, read_inferred, text_key, with_inferred
from retrieval.types import Item


class Model:
    """Says a word again when it is asked to; a mood's word is likely where the text names it, and "dark" is so everywhere."""

    description = {"engine": "fake", "name": "fake"}  # noqa: RUF012

    def __init__(self):
        self.asked, self.fail = [], 0

    def stream(self, prompt, *, max_tokens, stop=(), cancel=None):
        if prompt.system == "You repeat a word.":
            yield " " + prompt.user.removeprefix("Word: ")
        else:
            yield "old lamp, a storm at sea, flying saucers, lamp"

    def score(self, prompt, labels):
        self.asked.append(prompt.user)
        if self.fail:
            self.fail -= 1
            raise EngineError("broken")
        return {label: -1.0 if label.strip() == "dark" else -2.0 if label.strip() in prompt.user else -8.0 for label in labels}


@pytest.fixture
def domain(tmp_path):
    facets = {"moods": {"infer": True}, "themes": {"infer": True}}
    mapping = {"id": "id", "title": "t", "text": "x"}
    return make_domain({"base": "movies", "name": "n", "mapping": mapping, "facets": facets}, tmp_path / "n.toml")


def item(n, text):
    return Item(f"i{n}", {"en": f"Lamp {n}"}, {"en": text} if text else {}, {}, {})


ITEMS = [item(n, f"An old lamp burns in a storm at sea, number {n}.") for n in range(6)] + [
    item(7, "A quiet tale."),
    item(8, ""),
]


def test_a_word_counts_when_it_fits_here_better_than_elsewhere(domain, tmp_path):
    cache = tmp_path / "inferred.jsonl"
    report = Enricher(Model(), domain).fill(ITEMS, cache)
    assert (report.items, report.inferred + report.empty, report.known, report.failed) == (8, 7, 0, 0)
    found = read_inferred(cache)
    assert found[text_key(ITEMS[6])]["moods"] == ("quiet",)
    assert all("dark" not in entry["moods"] for entry in found.values())  # likely everywhere, it says nothing
    filled = with_inferred(ITEMS[6], found[text_key(ITEMS[6])], domain)
    assert (filled.facets["moods"], filled.inferred[0]) == (("quiet",), "moods")
    assert filled.label("moods", "zh") == (load_domain("movies").facets["moods"].values["quiet"].label("zh"),)


def test_phrases_come_from_the_text(domain, tmp_path):
    cache = tmp_path / "inferred.jsonl"
    Enricher(Model(), domain).fill(ITEMS[:1], cache)
    assert read_inferred(cache)[text_key(ITEMS[0])]["themes"] == ("old lamp", "a storm at sea", "lamp")


def test_a_run_goes_on_after_the_last_whole_line(domain, tmp_path):
    cache, model = tmp_path / "inferred.jsonl", Model()
    assert Enricher(model, domain).fill(ITEMS, cache, limit=3).inferred <= 3
    with cache.open("ab") as file:
        file.write(b'{"key": "cut o')  # a kill in the middle of a line
    report = Enricher(model, domain).fill(ITEMS, cache)
    assert report.known == 3
    assert len(read_inferred(cache)) == 7
    assert Enricher(model, domain).fill(ITEMS, cache).known == 7


def test_cancel_keeps_what_is_done_and_nothing_half(domain, tmp_path):
    cache, cancel = tmp_path / "inferred.jsonl", threading.Event()
    told = []

    def progress(fraction):
        told.append(fraction)
        if len(told) == 3:
            cancel.set()

    Enricher(Model(), domain).fill(ITEMS, cache, progress, cancel)
    assert len(read_inferred(cache)) == 2


def test_a_failure_is_asked_again_and_three_in_a_row_stop(domain, tmp_path):
    cache, model = tmp_path / "inferred.jsonl", Model()
    model.fail = 1
    report = Enricher(model, domain).fill(ITEMS, cache)
    assert report.failed == 1
    assert Enricher(model, domain).fill(ITEMS, cache).known == 6
    model.fail = 10**6
    (tmp_path / "again.jsonl").touch()
    with pytest.raises(EngineError):
        Enricher(model, domain).fill(ITEMS, tmp_path / "again.jsonl")
    assert 10**6 - model.fail == MAX_FAILURES


def test_what_the_table_knows_is_not_asked(domain, tmp_path):
    known = Item("k", {"en": "K"}, {"en": "An old lamp."}, {"moods": ("dark",), "themes": ("lamp",)}, {})
    model = Model()
    assert Enricher(model, domain).fill([known], tmp_path / "c.jsonl").inferred == 0
    assert model.asked == []
    append_inferred(tmp_path / "c.jsonl", text_key(known), {"moods": ["quiet"]})
    assert with_inferred(known, {"moods": ("quiet",)}, domain) is known


@pytest.mark.parametrize(
    ("said", "text", "language", "phrases"),
    [
        ("retired clockmaker, the sea. A dog", "A retired clockmaker by the sea.", "en", ("retired clockmaker", "the sea")),
        ("Clockmakers, clockmakers", "A clockmaker.", "en", ("Clockmakers",)),
        ("孤独的老人、飞船、修八音盒", "一个孤独的老人修好了八音盒。", "zh", ("孤独的老人", "修八音盒")),
        ("a very long phrase that is in truth a whole sentence about lamps", "a very long phrase lamps", "en", ()),
        ("", "x", "en", ()),
    ],
)  # fmt: skip
def test_phrases_are_held_against_the_text(said, text, language, phrases):
    assert phrases_of(said, text, language) == phrases


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_real_model_finds_moods_that_are_ours(language, qwen_path, movies, tmp_path):
    """Films whose moods are taken away: how often one of the inferred ones is among ours. Chance is about one in three."""
    from chatbot.llm.llama_cpp import LlamaCppModel

    films = list(movies.items.values())[::136]
    facets = {**movies.domain.facets, "moods": movies.domain.facets["moods"].model_copy(update={"infer": True})}
    domain = movies.domain.model_copy(update={"facets": facets})
    bare = [
        Item(f.id, f.titles, {language: f.texts[language]}, {k: v for k, v in f.facets.items() if k != "moods"}, f.labels)
        for f in films
    ]
    report = Enricher(LlamaCppModel(qwen_path), domain).fill(bare, tmp_path / "inferred.jsonl")
    found = read_inferred(tmp_path / "inferred.jsonl")
    hits = [bool(set(found[text_key(b)]["moods"]) & set(f.values("moods"))) for b, f in zip(bare, films, strict=True)]
    print(f"\n{language}: {sum(hits)} of {len(hits)} films, {report.seconds / len(hits):.1f} s an item")
    assert sum(hits) >= 2 / 3 * len(hits)
