"""Ballots, their figures and the adapter's file: everything about tuning that needs no model."""

from __future__ import annotations

import importlib
import json
import math
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chatbot import vote_learning
from chatbot.learning import Moments, query_of, read_moments
from chatbot.lexicon import Lexicon
from chatbot.llm import adapter, factory
from chatbot.llm.adapter import Base, base_of, find_adapter, gguf_of, import_peft, write_base
from chatbot.settings import Settings
from chatbot.tuning import measures
from chatbot.tuning.ballots import FOLDS, PLACES, POOL, Ballot, around, gather, hold_out, request_of
from chatbot.tuning.gguf_adapter import alternate_halves, write_gguf
from chatbot.tuning.measures import by_chance, figures, gain, losses, places
from chatbot.tuning.run import tune
from chatbot.tuning.trainer import Recipe, rate_at
from chatbot.types import Request
from retrieval.errors import EngineError, SettingsError, TrainingError
from retrieval.retriever import Retriever
from retrieval.training import Example, fold_of
from retrieval.types import Query

WORDS = ("a comedy please", "something quiet in space", "一部喜剧", "a war drama", "animation for kids", "来一部科幻片")


@pytest.fixture(scope="module")
def examples(movies):
    """Moments whose targets the retriever finds at many places, and three that cannot become ballots."""
    lexicon = Lexicon(movies.domain, movies.items.values())
    ids = list(movies.items)
    found = []
    for n in range(60):
        query = query_of([WORDS[n % 6]], [ids[n]], lexicon)
        ranked = [c.item.id for c in Retriever(movies, explore=0.0).retrieve(replace(query, k=POOL)).candidates]
        found.append(Example(f"talk {n}", query, (ranked[(n * 7) % POOL], ranked[(n * 3) % POOL], "unknown")))
    far = next(i for i in ids if i not in ranked and i not in query.exclude)
    return [*found, Example("far", query, (far,)), Example("unknown", query, ("unknown",)), replace(found[0], ranked=False)]


@pytest.fixture(scope="module")
def gathered(examples, movies):
    return gather(examples, Retriever(movies, explore=0.0), seed=3)


@pytest.fixture(scope="module")
def ballots(gathered):
    return gathered.ballots


# -- ballots ---------------------------------------------------------------------------------------------------------


def test_a_ballot_holds_its_right_item_once_and_no_other_right_one(ballots, examples):
    targets = {e.group: set(e.targets) for e in examples}
    assert len(ballots) > 80
    for ballot in ballots:
        ids = [item.id for item in ballot.items]
        assert 2 <= len(ids) <= PLACES
        assert len(set(ids)) == len(ids)
        assert set(ids) & targets[ballot.group] == {ids[ballot.answer]}


def test_what_is_not_found_or_not_in_the_catalogue_or_not_recommended_is_no_ballot(gathered, examples):
    groups = Counter(b.group for b in gathered.ballots)
    assert "far" not in groups
    assert "unknown" not in groups
    assert groups["talk 0"] <= 2  # and its second copy, which teaches no order, none
    assert gathered.targets == sum(len(set(e.targets) - {"unknown"}) for e in examples[:-1])


def test_what_is_liked_or_excluded_is_on_no_ballot(ballots, examples):
    excluded = {e.group: e.query.exclude for e in examples}
    assert all(not {item.id for item in b.items} & excluded[b.group] for b in ballots)


def test_the_others_are_those_that_the_retriever_puts_beside_it(ballots, examples, movies):
    queries = {e.group: e for e in examples}
    for ballot in ballots[:20]:
        example = queries[ballot.group]
        right = ballot.items[ballot.answer].id
        ranked = [c.item.id for c in Retriever(movies, explore=0.0).retrieve(replace(example.query, k=POOL)).candidates]
        ranked = [i for i in ranked if i == right or i not in example.targets]
        start = ranked.index(ballot.items[0].id)
        assert [item.id for item in ballot.items] == ranked[start : start + PLACES]
        assert start == 0 or ranked.index(right) >= PLACES


def test_the_same_seed_gives_the_same_ballots_and_a_limit_cuts_them(examples, movies, gathered):
    retriever, told = Retriever(movies, explore=0.0), []
    assert gather(examples, retriever, seed=3) == gathered
    assert gather(examples, retriever, seed=4).ballots != gathered.ballots
    few = gather(examples, retriever, limit=9, seed=3, progress=told.append)
    assert few.ballots == gathered.ballots[:9]
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def test_a_ballot_is_asked_as_the_vote_asks_in_the_language_of_its_wish(ballots, movies):
    languages = set()
    for ballot in ballots[:30]:
        prompt = ballot.prompt(movies.domain)
        language = ballot.request.language
        languages.add(language)
        assert ("心意" in prompt.user) == (language == "zh")
        assert ballot.request.text in prompt.user
        assert ballot.liked
        assert ballot.liked in prompt.user
        lines = prompt.user.splitlines()
        for label, item in zip("ABCDEFGHIJ", ballot.items, strict=False):
            assert any(line.startswith(f"{label}) {item.title(language)}:") for line in lines)
    assert languages == {"en", "zh"}


def test_a_wish_without_words_is_asked_too():
    request = request_of(Query("", "en", liked=("a",)))
    assert (request.text, request.liked, request.language) == ("?", ("a",), "en")


# -- the label says nothing ------------------------------------------------------------------------------------------


def test_shuffling_moves_the_answer_with_its_item(ballots):
    for n, ballot in enumerate(ballots):
        drawn = ballot.shuffled(0, n)
        assert drawn.items[drawn.answer] == ballot.items[ballot.answer]
        assert sorted(i.id for i in drawn.items) == sorted(i.id for i in ballot.items)
        assert ballot.shuffled(0, n) == drawn


def test_every_label_is_right_as_often_wherever_the_retriever_had_it(ballots):
    """Chi-square with 9 degrees of freedom: above 27.9 once in a thousand."""
    whole = [b for b in ballots if len(b.items) == PLACES]
    early = [b for b in whole if b.answer < 3]
    late = [b for b in whole if b.answer >= 3]
    assert min(len(early), len(late)) > 15
    for part in (early, late):
        counts = np.zeros(PLACES)
        for epoch in range(40):
            for n, ballot in enumerate(part):
                counts[ballot.shuffled(0, epoch, n).answer] += 1
        expected = counts.sum() / PLACES
        assert ((counts - expected) ** 2 / expected).sum() < 27.9


def test_another_epoch_has_another_order(ballots):
    whole = [b for b in ballots if len(b.items) == PLACES]
    same = sum(b.shuffled(0, 0, n).items == b.shuffled(0, 1, n).items for n, b in enumerate(whole))
    assert same == 0


@given(st.integers(2, 60), st.integers(0, 59), st.integers(0, 1000))
def test_ten_consecutive_places_hold_the_target(length, place, seed):
    ranked = [f"i{n}" for n in range(length)]
    target = f"i{place}"
    chosen = around(ranked, target, seed)
    if place >= length:
        assert chosen == []
        return
    assert chosen.count(target) == 1
    assert len(chosen) == min(PLACES, length)
    start = ranked.index(chosen[0])
    assert chosen == ranked[start : start + PLACES]
    assert place >= PLACES or start == 0


def test_a_late_target_is_at_any_place_among_its_ten():
    ranked = [f"i{n}" for n in range(POOL)]
    counts = Counter(around(ranked, "i25", seed).index("i25") for seed in range(2000))
    assert set(counts) == set(range(PLACES))
    assert max(counts.values()) < 1.5 * min(counts.values())


# -- held out --------------------------------------------------------------------------------------------------------


def test_no_conversation_is_in_training_and_held_out(ballots):
    training, held = hold_out(ballots)
    assert {b.group for b in training} & {b.group for b in held} == set()
    assert len(training) + len(held) == len(ballots)
    assert 0.5 / FOLDS < len(held) / len(ballots) < 2 / FOLDS


def test_the_weight_of_the_vote_is_learned_on_what_was_held_out(ballots):
    """Else an adapter would be weighed on what it was trained on."""
    _, held = hold_out(ballots)
    assert {b.group for b in held} == {b.group for b in ballots if fold_of(b.group, vote_learning.FOLDS, "vote") == 0}


def test_too_few_conversations_are_refused(ballots, movies, tmp_path):
    training, held = hold_out(ballots)
    for part in ([], training, held):
        with pytest.raises(TrainingError, match="import-dialogues"):
            tune(part, movies.domain, tmp_path, Base("x", "y"), Recipe(), tmp_path / "adapter")


# -- figures ---------------------------------------------------------------------------------------------------------

SCORES = [[0.0, 0.0, 0.0], [2.0, 1.0, 0.0, -1.0], [0.0, math.log(3.0)]]
ANSWERS = [1, 1, 1]


def test_losses_places_and_means_by_hand():
    second = math.log(math.exp(2) + math.exp(1) + 1 + math.exp(-1)) - 1.0
    assert losses(SCORES, ANSWERS) == pytest.approx([math.log(3), second, math.log(4 / 3)])
    assert places(SCORES, ANSWERS).tolist() == [3, 2, 1]  # of three equal ones it is the last
    found = figures(SCORES, ANSWERS)
    assert found.count == 3
    assert found.loss == pytest.approx((math.log(3) + second + math.log(4 / 3)) / 3)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.mrr == pytest.approx((1 / 3 + 1 / 2 + 1) / 3)
    assert found.ndcg == pytest.approx((1 / 2 + 1 / math.log2(3) + 1) / 3)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=10), st.floats(-50, 50), st.data())
def test_logits_and_log_probabilities_measure_the_same(row, shift, data):
    answer = data.draw(st.integers(0, len(row) - 1))
    moved = [value + shift for value in row]
    assert losses([row], [answer]) == pytest.approx(losses([moved], [answer]), abs=1e-9)
    assert losses([row], [answer])[0] >= 0


def test_chance_is_what_many_random_votes_have():
    sizes = [10] * 3000 + [4] * 3000
    chance = np.random.default_rng(0)
    found = figures([chance.normal(size=size).tolist() for size in sizes], [0] * len(sizes))
    expected = by_chance(sizes)
    assert expected.loss == pytest.approx((math.log(10) + math.log(4)) / 2)
    assert expected.accuracy == pytest.approx((0.1 + 0.25) / 2)
    for name in ("accuracy", "mrr", "ndcg"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=0.02)


def test_a_gain_is_sure_when_its_interval_lies_above_zero():
    worst, best = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
    sure = gain([worst] * 10, [best] * 10, [2] * 10)
    assert (sure.mean, sure.ci95, sure.sure) == (pytest.approx(0.5), pytest.approx(0), True)
    mixed = gain([worst, best] * 5, [best, worst] * 5, [2] * 10)
    assert mixed.mean == pytest.approx(0)
    assert not mixed.sure
    assert not gain([worst], [best], [2]).sure
    assert measures.Gain(-0.5, 0.0).sure is False


def test_the_learning_rate_rises_and_falls():
    rates = [rate_at(step, 100) for step in range(100)]
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert rate_at(0, 1) == 1.0


# -- what the log teaches --------------------------------------------------------------------------------------------


def test_moments_without_dialogues_and_log_are_none(movies, tmp_path):
    assert read_moments(movies, tmp_path) == Moments([], "dialogues", movies, None)


# -- the adapter's folder --------------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


@pytest.fixture
def adapter_folder(weights, tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_base(base_of(weights), folder)
    return folder


def test_a_base_is_known_by_its_weights(weights, tmp_path):
    base = base_of(weights)
    assert base.name == "small"
    assert base_of(weights) == base
    moved = tmp_path / "renamed.gguf"
    moved.write_bytes(weights.read_bytes())
    assert base_of(moved) == Base("renamed", base.digest)
    moved.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert base_of(moved).digest != base.digest
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(weights.read_bytes())
    assert base_of(folder) == Base("model", base.digest)


def test_an_adapter_of_the_model_is_found(adapter_folder, weights):
    assert find_adapter("", weights) is None
    assert find_adapter(str(adapter_folder), weights) == adapter_folder


def test_an_adapter_that_is_not_there_or_of_another_model_is_refused(adapter_folder, weights, tmp_path):
    with pytest.raises(SettingsError, match="ZHIYIN_ADAPTER: no adapter"):
        find_adapter(str(tmp_path / "nowhere"), weights)
    weights.write_bytes(b"another model")
    with pytest.raises(SettingsError, match="was made for small") as caught:
        find_adapter(str(adapter_folder), weights)
    assert caught.value.key == "error_settings"
    for broken in ("{", "[]", '{"name": "x"}'):
        (adapter_folder / adapter.BASE).write_text(broken)
        with pytest.raises(SettingsError, match="no adapter"):
            find_adapter(str(adapter_folder), weights)


def test_an_adapter_without_a_file_for_llama_cpp_names_the_other_engine(adapter_folder):
    with pytest.raises(EngineError, match="--engine transformers"):
        gguf_of(adapter_folder)


def test_the_factory_hands_the_adapter_to_the_engine_and_refuses_a_foreign_one(adapter_folder, weights, monkeypatch):
    calls = []
    monkeypatch.setattr(factory, "has_cuda", lambda: False)
    monkeypatch.setattr("chatbot.llm.llama_cpp.LlamaCppModel", lambda *args, **options: calls.append(options))
    factory.build_language_model(Settings(model=str(weights), adapter=str(adapter_folder)))
    assert calls[0]["adapter"] == adapter_folder
    weights.write_bytes(b"another model")
    with pytest.raises(SettingsError, match="was made for"):
        factory.build_language_model(Settings(model=str(weights), adapter=str(adapter_folder)))
    with pytest.raises(SettingsError, match="server"):
        factory.build_language_model(Settings(engine="openai", server_url="http://localhost:1/v1", adapter=str(adapter_folder)))


def test_without_peft_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(adapter.importlib, "import_module", missing)
    with pytest.raises(SettingsError, match=r"zhiyin\[tune\]"):
        import_peft()


# -- the adapter's file ----------------------------------------------------------------------------------------------


def test_halves_of_a_head_alternate():
    rows = np.arange(8, dtype=np.float32)[:, None]  # two heads of four rows
    assert alternate_halves(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize(("kind", "permuted"), [("llama", True), ("qwen2", False)])
def test_the_matrices_for_llama_cpp(tmp_path, kind, permuted):
    save = importlib.import_module("safetensors.numpy").save_file
    names = ("q_proj", "k_proj", "v_proj", "o_proj")
    chance = np.random.default_rng(0)
    a = {name: chance.normal(size=(2, 16)).astype(np.float32) for name in names}
    b = {name: chance.normal(size=(16 if name in ("q_proj", "o_proj") else 8, 2)).astype(np.float32) for name in names}
    key = "base_model.model.model.layers.0.self_attn.{}.lora_{}.weight".format
    save({key(n, part): rows[n] for part, rows in (("A", a), ("B", b)) for n in names}, tmp_path / adapter.WEIGHTS)
    (tmp_path / adapter.CONFIG).write_text(json.dumps({"lora_alpha": 4}))
    config = SimpleNamespace(model_type=kind, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2)
    reader = importlib.import_module("gguf").GGUFReader(write_gguf(tmp_path, config))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.type"] == "adapter"
    assert fields["general.architecture"] == kind
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == 4
    found = {tensor.name: np.asarray(tensor.data) for tensor in reader.tensors}
    assert len(found) == 8
    ours = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    heads = {"q_proj": 4, "k_proj": 2}
    for name in names:
        assert np.array_equal(found[f"blk.0.{ours[name]}.weight.lora_a"], a[name])
        expected = alternate_halves(b[name], heads[name]) if permuted and name in heads else b[name]
        assert np.array_equal(found[f"blk.0.{ours[name]}.weight.lora_b"], expected)


def test_an_unknown_architecture_has_no_file_and_an_unknown_matrix_is_refused(tmp_path):
    config = SimpleNamespace(model_type="mamba", num_hidden_layers=1)
    assert write_gguf(tmp_path, config) is None
    importlib.import_module("safetensors.numpy").save_file(
        {"base_model.model.nothing.lora_A.weight": np.zeros((2, 2), np.float32)}, tmp_path / adapter.WEIGHTS
    )
    (tmp_path / adapter.CONFIG).write_text(json.dumps({"lora_alpha": 4}))
    with pytest.raises(EngineError, match="nothing"):
        write_gguf(tmp_path, SimpleNamespace(model_type="qwen2", num_hidden_layers=1))


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_refuses_a_device_that_is_none():
    from app import cli

    done = CliRunner().invoke(cli, ["tune", "--device", "quantum"])
    assert isinstance(done.exception, SettingsError)
    assert "quantum" in str(done.exception)


def test_a_ballot_without_likes_says_nothing_of_them(movies):
    items = tuple(movies.items.values())[:3]
    ballot = Ballot("g", Request("recommend", "en", "a comedy"), items, 0)
    assert "they like" not in ballot.prompt(movies.domain).user
