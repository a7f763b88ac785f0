"""What is for somebody else: neither read from the person's taste nor added to it."""

import pytest

from chatbot.api.models_people import EventIn
from chatbot.api.service import Service
from chatbot.loading import Loader
from chatbot.profile import build_profile
from retrieval.events import Event


@pytest.mark.parametrize(
    ("message", "gift"),
    [
        ("a gift for my mother", True),
        ("a present around two hours long for a friend", True),
        ("something for my wife", True),
        ("something for my wife and me", False),
        ("something quiet for tonight", False),
        ("给妈妈挑一部", True),
        ("送给朋友的", True),
        ("安静一点的", False),
    ],
)
def test_a_message_says_whom_it_is_for(make_pipeline, message, gift):
    language = "en" if message.isascii() else "zh"
    assert make_pipeline().read(message, language).gift is gift


def test_a_gift_leaves_the_profile_alone(make_pipeline):
    """What is said of items in such a message, and feedback on its list, are kept and say nothing of the person."""
    pipeline = make_pipeline()
    talk = pipeline.store.load("c", "ann")
    turn = pipeline.complete("a gift for my father, he loves Alien", talk, pipeline.profile("ann"), items_only=True)
    where = {"conversation": "c", "turn": turn.id}
    pipeline.learn(Event("ann", "liked", turn.items[0].item.id, context=where))
    assert pipeline.profile("ann") == build_profile("ann", [])
    assert any(event.kind == "liked" for event in pipeline.store.events("ann"))
    loader = Loader(lambda report: pipeline)
    loader.start()
    loader.wait(30)
    told = EventIn(kind="disliked", item=turn.items[1].item.id, conversation="c", turn=turn.id)
    assert Service(loader).note([told], lambda user: "ann").new == 1
    assert pipeline.profile("ann") == build_profile("ann", [])
    again = pipeline.complete("shorter", pipeline.store.load("c", "ann"), pipeline.profile("ann"), items_only=True)
    assert again.request.gift
    talk = pipeline.store.load("c", "ann")
    own = pipeline.complete("now something funny for me", talk, pipeline.profile("ann"), items_only=True)
    assert not own.request.gift
