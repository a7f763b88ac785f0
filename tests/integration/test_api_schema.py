"""The API against its own description: requests made from it, right and wrong ones, get no answer that it does not know.

``python -m benchmarks.fuzz --examples 1000`` asks for longer.
"""

from __future__ import annotations

import pytest

pytest.importorskip("schemathesis", minversion="4.0", reason="schemathesis 4 needs Python 3.11")

from benchmarks.fuzz import fuzz, make_app, operations

EXAMPLES = 16  # of each operation: half of them right


@pytest.fixture(scope="module")
def found(make_pipeline):
    return fuzz(make_pipeline(), EXAMPLES, seed=7)


def test_every_answer_is_as_described(found):
    assert not found.problems, "\n".join(found.problems)


def test_every_operation_was_asked_and_did_its_work(found, make_pipeline):
    # What is refused before anything is done tests nothing: each has answered with success too.
    app, _ = make_app(make_pipeline())
    labels = {f"{operation.method.upper()} {operation.path}" for operation in operations(app)}
    assert labels == {label for label, _ in found.answers}
    assert labels == {label for label, status in found.answers if status < 300}
    assert found.statuses[422] > EXAMPLES
    assert found.statuses[404] > 0


def test_what_is_not_as_described_is_found(make_pipeline, monkeypatch):
    # The check itself: an answer in another shape, and a fault of the server's.
    from chatbot.api.service import Service

    monkeypatch.setattr(Service, "ready", lambda self: 1 / 0)
    monkeypatch.setattr(Service, "profile", lambda self, user, language: {"user": user})
    problems = "\n".join(fuzz(make_pipeline(), 2, seed=7, most_problems=50).problems)
    assert "GET /v1/ready: Server error" in problems
    assert "GET /v1/users/{user}/profile" in problems
