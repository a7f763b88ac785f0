"""The doctor at a real PostgreSQL: it reads, and makes nothing."""

from __future__ import annotations

from contextlib import closing

from chatbot.api_keys import issue
from chatbot.doctor import Plan
from chatbot.doctor_store import look_at_store
from chatbot.settings import Settings
from chatbot.store import SqlUserStore
from chatbot.types import StoredTurn
from retrieval.events import Event


def test_a_store_in_postgresql(postgres, tmp_path):
    def look(**settings):
        plan = Plan(Settings(database=postgres, data=tmp_path, **settings))
        return {check.name: check for check in look_at_store(plan)}

    assert set(look()) == {"user store", "access"}  # no tables yet
    assert set(look()) == {"user store", "access"}  # and none were made
    with closing(SqlUserStore(postgres, "a long sentence")) as store:
        store.save("c", "ann", StoredTurn("t", 1.0, "a secret wish", {}))
        store.append(Event("ann", "liked", "tt1"))
        issue(store.keys, "shop", ["chat"])
    checks = look(key="a long sentence")
    assert {check.status for check in checks.values()} == {"ok"}
    assert set(checks) == {"user store", "user store: tables", "access"}
    assert "keys: 1" in checks["access"].found
    assert "words are encrypted" in checks["user store"].found
    for key in ("", "another sentence"):
        assert look(key=key)["user store"].status == "failed"
