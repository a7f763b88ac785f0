"""Who may do what through the API: from the list of its own routes, and with people whose requests come mixed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from api_server import routes, serve
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.api_keys import SCOPES

SCOPE_OF = {
    "chat": "chat",
    "recommend": "recommend",
    "items": "items",
    "item": "items",
    "similar": "items",
    "note_events": "events",
    "issue_token": "tokens",
    "health": "monitor",
    "ready": "monitor",
    "metrics": "monitor",
}  # every other: profile
FOR_ANN = {  # where the user is not in the path
    "chat": {"message": "hello", "user": "ann"},
    "recommend": {"user": "ann"},
    "note_events": {
        "events": [
            {"user": "bo", "kind": "liked", "item": "spirited-away-2001"},
            {"user": "ann", "kind": "seen", "item": "spirited-away-2001"},
        ]
    },
}
WORDS = {"en": "something quiet for {}, no horror", "zh": "想看安静的，{}，不要恐怖片"}


@pytest.fixture(scope="module")
def api(make_pipeline):
    return serve(make_pipeline(["A quiet one."]))


def body_of(operation):
    said = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
    return said["en"]["value"] if said else None


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer zy_0123456789abcdef_" + "x" * 43}, {"Authorization": "Basic YTpi"}]
)
def test_without_a_key_every_route_refuses(api, headers):
    api.client.headers.pop("authorization", None)
    everything = [(method, path) for method, path, _ in routes(api.app)]
    assert len(everything) >= 18
    for method, path in [*everything, ("GET", "/v1/openapi.json"), ("GET", "/none"), ("POST", "/v1/health")]:
        answer = api.client.request(method, path, json={}, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_route_needs_its_one_scope(api):
    api.client.headers.pop("authorization", None)
    for method, path, operation in routes(api.app):
        name = operation["operationId"]
        for scope in SCOPES:
            scopes = {scope, "chat"} if name == "issue_token" else {scope}  # a token must be good for something
            answer = api.client.request(method, path, json=body_of(operation), headers=api.key(*sorted(scopes)))
            refused = answer.status_code == 403
            assert refused is (SCOPE_OF.get(name, "profile") not in scopes), (name, scope, answer.text)
            assert not refused or answer.json()["error"]["code"] == "scope"
            assert refused or answer.status_code < 300 or str(answer.status_code) in operation["responses"]


def test_a_token_acts_for_its_own_user_alone(api):
    api.client.headers.pop("authorization", None)
    token, checked = api.key("chat", "recommend", "items", "events", "profile", user="bo"), set()
    api.client.post("/v1/chat", json={"message": "hello", "conversation": "c1", "user": "ann"}, headers=api.key())
    before = list(api.pipeline.store.events("ann"))
    for method, path, operation in routes(api.app):
        name = operation["operationId"]
        if "/ann/" not in path and name not in FOR_ANN:
            continue
        body = FOR_ANN.get(name) or body_of(operation)
        answer = api.client.request(method, path, json=body, headers=token)
        assert answer.status_code == 403, (name, answer.text)
        assert answer.json()["error"]["code"] == ("scope" if name == "issue_token" else "other_user")
        checked.add(name)
    assert len(checked) == 12
    assert list(api.pipeline.store.events("ann")) == before
    assert not api.pipeline.store.events("bo")  # of a batch with one that is another's, nothing is taken
    mine = api.client.get("/v1/users/bo/profile", headers=token)
    assert mine.json()["user"] == "bo"
    assert api.client.get("/v1/users/bo/conversations/c1", headers=token).status_code == 404


class Person:
    """Somebody whose every string is nobody else's."""

    def __init__(self, api, mark, with_token):
        self.api, self.mark, self.user, self.talk = api, mark, f"user{mark}", f"talk{mark}"
        self.headers = api.key("chat", "recommend", "items", "events", "profile", user=self.user) if with_token else api.key()

    def call(self, method, path, **more):
        """Ask, and return all that came back."""
        answer = self.api.client.request(method, path, headers={**self.headers, **more.pop("headers", {})}, **more)
        assert answer.status_code < 500, answer.text
        return answer.text + str(dict(answer.headers))

    def do(self, action, language, n):
        words, home = WORDS[language].format(f"name{self.mark}"), f"/v1/users/{self.user}"
        match action:
            case "chat":
                said = {"message": words, "conversation": self.talk, "user": self.user, "language": language}
                return self.call("POST", "/v1/chat", json=said, headers={"Idempotency-Key": f"k{n % 3}"})
            case "stream":
                said = {"message": words, "conversation": f"{self.talk}s", "user": self.user, "stream": True}
                return self.call("POST", "/v1/chat", json=said)
            case "recommend":
                return self.call("POST", "/v1/recommend", json={"message": words, "user": self.user})
            case "review":
                event = {
                    "kind": "reviewed",
                    "item": "spirited-away-2001",
                    "text": words,
                    "id": "e1",
                    "user": self.user,
                    "value": 1,
                }
                return self.call("POST", "/v1/events", json={"events": [event]})
            case "name":
                return self.call("PATCH", f"{home}/conversations/{self.talk}", json={"title": words})
            case "find":
                return self.call("GET", f"{home}/conversations", params={"q": "quiet"})
            case "export":
                return self.call("GET", f"{home}/profile/export")
            case "erase":
                return self.call("DELETE", f"{home}/profile")
            case other:
                return self.call("GET", f"{home}/{other}")


ACTIONS = "chat", "stream", "recommend", "review", "name", "find", "export", "profile", "conversations", "erase"
STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(ACTIONS), st.sampled_from(["en", "zh"])), min_size=4, max_size=10)


@settings(max_examples=12)
@given(steps=STEPS, together=st.booleans())
def test_of_people_whose_requests_come_mixed_none_reads_anything_of_another(api, steps, together):
    people = [Person(api, mark, with_token) for mark, with_token in (("qa1x", True), ("qb2x", False), ("qc3x", True))]

    def do(n):
        who, action, language = steps[n]
        return who, action, people[who].do(action, language, n)

    # at once, or one after the other
    with ThreadPoolExecutor(3 if together else 1) as pool:
        answers = list(pool.map(do, range(len(steps))))
    for who, action, text in answers:
        others = [person.mark for person in people if person is not people[who]]
        assert not [mark for mark in others if mark in text], (action, text)
    for person in people:
        kept = person.do("export", "en", 0)
        assert not [other.mark for other in people if other is not person and other.mark in kept]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_people_do_find_their_own(api, language):
    """What the test above looks for is there to be found."""
    person = Person(api, f"qd4{language}", with_token=True)
    person.do("chat", language, 0)
    person.do("review", language, 0)
    assert person.mark in person.do("chat", language, 0)
    assert person.mark in person.do("find", "en", 0) + person.do("conversations", "en", 0)
    assert person.do("export", language, 0).count(person.mark) >= 2
