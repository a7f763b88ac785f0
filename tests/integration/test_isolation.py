"""Many people at once over one service: nobody gets what is another's, and everybody what they would get alone."""

from __future__ import annotations

import pytest

from benchmarks.load.isolation import interleave, like, say
from benchmarks.load.talks import Watcher, talkers
from chatbot.api.service import Service
from chatbot.llm.scripted import ScriptedModel
from chatbot.loading import Loader

THREADS, TURNS = 8, 160


@pytest.fixture
def service(make_pipeline):
    """A service with a fresh store, whose model retells a line of its card, word by word, so that turns overlap."""

    def script(prompt):
        return prompt.user.splitlines()[-1]

    loader = Loader(lambda _report: make_pipeline(model=ScriptedModel(script, delay=0.0001)))
    loader.start()
    loader.wait()
    return Service(loader)


@pytest.fixture
def people(items):
    return talkers(16, list(items), "test")


@pytest.fixture
def watcher(people, items):
    return Watcher(people, {item_id: tuple(item.titles.values()) for item_id, item in items.items()})


def test_interleaved_turns_cross_nowhere(service, people, watcher):
    found = interleave(service, people, watcher, TURNS, THREADS, alone=3)
    assert not found.failed
    assert found.turns == TURNS
    assert found.crossed == []
    assert found.at_once == THREADS  # they did overlap
    assert found.switches > TURNS / 2
    assert found.alone > 10
    assert found.different == []


def test_what_is_another_s_would_be_found(service, people, watcher):
    # The check itself: an answer that somebody else gets is full of what is not theirs.
    one, other = people[:2]
    like(service, one)
    first = say(service, one, (0, f"something quiet, {one.secret}, no horror"), watcher)
    assert first
    assert watcher.found == []
    kept = service.conversation(f"{one.name}-0", one.name).model_dump_json()
    profile = service.profile(one.name).model_dump_json()
    assert watcher.look(one, kept + profile, profile) == []
    crossed = watcher.look(other, kept + profile, profile)
    assert any(one.secret in what for what in crossed)
    assert any(one.name in what for what in crossed)
    assert any(f"history.{one.likes[0]}" in what for what in crossed)
