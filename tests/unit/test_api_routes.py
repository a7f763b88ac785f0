"""Every other route: what it answers, and how it refuses, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from api_server import routes, serve, somebody

from chatbot.api import examples, models, models_people
from chatbot.api.browsing import Browser
from chatbot.store import headings
from retrieval.events import Event

SPIRITED, SEVEN = "spirited-away-2001", "se7en-1995"


@pytest.fixture(scope="module")
def shared(make_pipeline):
    return serve(make_pipeline(["A quiet one."]))


@pytest.fixture
def api(shared):
    return somebody(shared)


@pytest.fixture(scope="module")
def loading():
    return serve(None)


def get(api, path, **query):
    answer = api.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    return answer.json()["error"]


def known(api):
    return get(api, f"/v1/users/{api.user}/profile")


# -- lists --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "message", "label"), [("en", "no horror", "no horror"), ("zh", "不要恐怖片", "恐怖")])
def test_a_list_keeps_its_constraints_and_stores_nothing(api, language, message, label):
    wanted = {
        "message": message,
        "user": api.user,
        "like": [SPIRITED],
        "exclude": [SEVEN],
        "constraints": [
            {"field": "year", "op": "min", "value": 1990},
            {"field": "genres", "op": "any_of", "value": ["drama", "crime"]},
        ],
        "language": language,
        "count": 7,
    }
    answer = api.client.post("/v1/recommend", json=wanted).json()
    assert [entry["rank"] for entry in answer["items"]] == list(range(1, 8))
    for entry in answer["items"]:
        facets = entry["item"]["facets"]
        assert facets["year"][0] >= 1990
        assert {"drama", "crime"} & set(facets["genres"])
        assert "horror" not in facets["genres"]
        assert entry["item"]["id"] not in (SPIRITED, SEVEN)
        assert sum(entry["shares"].values()) == pytest.approx(1)
        assert all(check["ok"] for check in entry["checks"])
        assert any(label in check["label"] for check in entry["checks"])
    assert answer["relaxed"] == []
    assert not api.pipeline.store.events(api.user)


def test_a_list_for_nobody_and_for_a_tokens_own_user(api):
    token = api.key("recommend", user=api.user)
    api.pipeline.learn(Event(api.user, "seen", SPIRITED))
    anybody = api.client.post("/v1/recommend", json={"message": "千与千寻 那样的", "count": 50}).json()
    own = api.client.post("/v1/recommend", json={"count": 50}, headers=token).json()
    assert len(anybody["items"]) == 50
    assert SPIRITED not in [entry["item"]["id"] for entry in own["items"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"count": 51}, 422, "field"),
        ({"constraints": [{"field": "colour", "op": "includes", "value": "red"}]}, 422, "error_constraint"),
        ({"constraints": [{"field": "year", "op": "near", "value": 1990}]}, 422, "field"),
        ({"like": ["none"]}, 404, "error_gone"),
        ({"stream": True}, 422, "field"),
    ],
)
def test_a_list_that_cannot_be(api, body, status, code):
    assert problem(api.client.post("/v1/recommend", json=body), status, code)["message"]


# -- items --------------------------------------------------------------------------------------------------------------------


def pages(api, **query):
    """Read a list to its end, page by page."""
    found, after = [], ""
    while after is not None:
        page = get(api, "/v1/items", after=after, **query)
        found += [item["id"] for item in page["items"]]
        after = page["next"]
    assert page["total"] == len(found)
    return found


@pytest.mark.parametrize("query", [{}, {"q": "space"}, {"q": "太空"}])
def test_pages_make_up_the_whole_list_once(api, items, query):
    found = pages(api, limit=37, **query)
    assert len(found) == len(set(found))
    assert found == pages(api, limit=100, **query)
    assert (found == sorted(items)) is (not query)
    assert 0 < len(found) <= len(items)


@pytest.mark.parametrize(("words", "title", "language"), [("spirited aw", "Spirited Away", "en"), ("千与千", "千与千寻", "zh")])
def test_part_of_a_title_finds_it_first(api, words, title, language):
    page = get(api, "/v1/items", q=words, language=language, limit=1)
    assert (page["items"][0]["id"], page["items"][0]["title"]) == (SPIRITED, title)


def test_what_is_nowhere_is_an_empty_page(api):
    assert get(api, "/v1/items", q="qqqqzzzz") == {"items": [], "next": None, "total": 0}


@pytest.mark.parametrize("words", ["", "space"])
def test_going_on_survives_that_the_last_item_shown_has_gone(movies, words):
    first = Browser(movies).page(words, "", 5, "en")
    last = first.items[-1].id
    smaller = replace(movies, items={name: item for name, item in movies.items.items() if name != last})
    before, after = (Browser(index).page(words, first.next or "", 5, "en") for index in (movies, smaller))
    assert [item.id for item in before.items] == [item.id for item in after.items]
    assert before.items


@pytest.mark.parametrize("query", [{"q": "space", "after": "tt01"}, {"q": "space", "after": "nan~tt01"}])
def test_a_cursor_of_another_list_is_refused(api, query):
    assert problem(api.client.get("/v1/items", params=query), 422, "cursor")["where"] == "after"


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"language": "fr"}, {"q": "x" * 401}])
def test_a_page_that_cannot_be(api, query):
    assert problem(api.client.get("/v1/items", params=query), 422, "field")["where"] in query


@pytest.mark.parametrize(("language", "title"), [("en", "Spirited Away"), ("zh", "千与千寻")])
def test_one_item(api, items, language, title):
    card = get(api, f"/v1/items/{SPIRITED}", language=language)
    assert (card["title"], card["titles"]) == (title, dict(items[SPIRITED].titles))
    assert card["facets"]["year"] == [2001]
    assert card["summary"] == items[SPIRITED].text(language)
    problem(api.client.get("/v1/items/none"), 404, "unknown_item")
    problem(api.client.get("/v1/items/a%00b"), 422, "field")


def test_an_id_may_hold_a_slash(make_pipeline, movies):
    name = "shop/books/1"
    items = {**movies.items, name: replace(movies.items[SPIRITED], id=name)}
    pipeline = make_pipeline()
    pipeline.index = replace(movies, items=items)
    api = serve(pipeline)
    assert get(api, f"/v1/items/{name}")["id"] == name
    assert get(api, "/v1/items/shop%2Fbooks%2F1")["id"] == name


@pytest.mark.parametrize(("language", "word"), [("en", "animation"), ("zh", "动画")])
def test_items_like_one(api, language, word):
    found = get(api, f"/v1/items/{SPIRITED}/similar", language=language, count=8)
    assert len(found) == 8
    assert SPIRITED not in [entry["item"]["id"] for entry in found]
    assert word in " ".join(words for entry in found for words in entry["shared"]).lower()
    problem(api.client.get("/v1/items/none/similar"), 404, "unknown_item")


# -- what people did ----------------------------------------------------------------------------------------------------------


def note(api, *events):
    return api.client.post("/v1/events", json={"events": [{"user": api.user, **event} for event in events]})


def test_events_count_at_once_and_an_id_counts_once(api):
    said = {"kind": "liked", "item": SPIRITED, "id": "e1", "conversation": "c", "turn": "t"}
    assert note(api, said, {"kind": "reviewed", "item": SEVEN, "text": "太暗了", "value": 0.1}).json() == {
        "received": 2,
        "new": 2,
    }
    assert note(api, said).json() == {"received": 1, "new": 0}
    assert note(somebody(api), said).json()["new"] == 1  # an id is one's own
    assert known(api)["liked"] == [SPIRITED]
    assert known(api)["disliked"] == [SEVEN]
    (liked, reviewed) = api.pipeline.store.events(api.user)
    assert dict(liked.context) == {"conversation": "c", "turn": "t"}
    assert reviewed.text == "太暗了"


@pytest.mark.parametrize(
    ("event", "code", "where"),
    [
        ({"kind": "liked", "item": "none"}, "unknown_item", "events.1.item"),
        ({"kind": "rated", "item": SEVEN}, "value", "events.1.value"),
        ({"kind": "rated", "item": SEVEN, "value": 4}, "field", "events.1.value"),
        ({"kind": "cleared", "item": SEVEN, "text": "喜欢"}, "text", "events.1.text"),
        ({"kind": "typed", "item": SEVEN, "text": "hello"}, "field", "events.1.kind"),
        ({"kind": "liked", "item": SEVEN, "at": -1}, "field", "events.1.at"),
    ],
)
def test_nothing_is_taken_if_one_is_wrong(api, event, code, where):
    error = problem(note(api, {"kind": "liked", "item": SPIRITED}, event), 422, code)
    assert error["where"] == where
    assert event["item"] in error["message"] or code != "unknown_item"
    assert not api.pipeline.store.events(api.user)


def test_an_event_of_nobody_is_refused(api):
    answer = api.client.post("/v1/events", json={"events": [{"kind": "liked", "item": SPIRITED}]})
    assert problem(answer, 422, "no_user")["message"]
    assert not api.pipeline.store.events("")


# -- profiles -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "title"), [("en", "Spirited Away"), ("zh", "千与千寻")])
def test_a_profile_is_seen_corrected_and_taken_along(api, language, title):
    path = f"/v1/users/{api.user}/profile"
    change = {"set": {SPIRITED: "liked", SEVEN: "saved"}}
    known = api.client.patch(path, params={"language": language}, json=change).json()
    assert (known["liked"], known["saved"], known["seen"]) == ([SPIRITED], [SEVEN], [])
    line = next(line for line in known["lines"] if title in line["text"])
    assert f"history.{SPIRITED}" in line["sources"]
    assert api.client.patch(path, json=change).json()["liked"] == [SPIRITED]
    assert len(api.pipeline.store.events(api.user)) == 2  # what stands is not said again
    known = api.client.patch(path, params={"language": language}, json={"remove": [line["id"]], "clear": [SEVEN]}).json()
    assert line["text"] not in [line["text"] for line in known["lines"]]
    assert known["saved"] == []
    document = get(api, path + "/export")
    assert {event["kind"] for event in document["events"]} == {"liked", "saved", "cleared", "corrected"}
    assert api.user not in str(document)


@pytest.mark.parametrize(
    ("patch", "code", "where"),
    [
        ({"set": {"none": "liked"}}, "unknown_item", "set.none"),
        ({"clear": ["none"]}, "unknown_item", "clear.0"),
        ({"set": {SEVEN: "liked"}, "clear": [SEVEN]}, "both", "clear.0"),
        ({"remove": ["none"]}, "line", "remove.0"),
        ({"set": {SEVEN: "hated"}}, "field", f"set.{SEVEN}"),
    ],
)
def test_a_change_is_made_whole_or_not_at_all(api, patch, code, where):
    patch = {**patch, "set": {SPIRITED: "liked", **patch.get("set", {})}}
    assert problem(api.client.patch(f"/v1/users/{api.user}/profile", json=patch), 422, code)["where"] == where
    assert not api.pipeline.store.events(api.user)


def test_of_what_has_left_the_catalogue_the_opinion_can_still_be_taken_back(api):
    api.pipeline.learn(Event(api.user, "liked", "gone"))
    assert api.client.patch(f"/v1/users/{api.user}/profile", json={"clear": ["gone"]}).json()["liked"] == []


def test_a_person_is_erased(api):
    note(api, {"kind": "liked", "item": SPIRITED})
    api.client.post("/v1/chat", json={"message": "hello", "user": api.user})
    erased = api.client.delete(f"/v1/users/{api.user}/profile").json()
    assert erased["turns"] == 1
    assert erased["events"] >= 2
    assert erased["traces"] == []
    assert not known(api)["liked"]
    assert get(api, f"/v1/users/{api.user}/conversations") == []


def test_a_user_may_hold_a_slash_and_any_letter(api):
    for user in ("shop/7", "安", "a b"):
        assert get(api, f"/v1/users/{user.replace('/', '%2F')}/profile")["user"] == user


# -- conversations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "title", "word"), [("something quiet", "Quiet evenings", "evenings"), ("安静的", "安静的夜晚", "夜晚")]
)
def test_conversations_are_listed_found_read_named_and_removed(api, message, title, word):
    where = f"/v1/users/{api.user}/conversations"
    first, second = (api.client.post("/v1/chat", json={"message": m, "user": api.user}).json() for m in ("hello", message))
    assert [line["id"] for line in get(api, where)] == [second["conversation"], first["conversation"]]
    path = f"{where}/{second['conversation']}"
    assert api.client.patch(path, json={"title": title}).status_code == 204
    (found,) = get(api, where, q=word)
    assert (found["title"], found["said"], found["turns"]) == (title, message, 1)
    whole = get(api, path)
    assert whole["turns"][0]["message"] == message
    assert whole["turns"][0]["record"]["reply"] == second["reply"]
    assert api.client.delete(path).status_code == 204
    assert [line["id"] for line in get(api, where)] == [first["conversation"]]
    for answer in (api.client.get(path), api.client.patch(path, json={"title": title}), api.client.delete(path)):
        problem(answer, 404, "no_conversation")


def test_anothers_conversation_is_as_one_that_is_not_there(api):
    talk = api.client.post("/v1/chat", json={"message": "hello", "user": api.user}).json()["conversation"]
    other = f"/v1/users/{somebody(api).user}/conversations"
    for name in (talk, "none"):
        path = f"{other}/{name}"
        answers = api.client.get(path), api.client.patch(path, json={"title": "x"}), api.client.delete(path)
        messages = {problem(answer, 404, "no_conversation")["message"].replace(name, "NAME") for answer in answers}
        assert len(messages) == 1
        assert api.user not in messages.pop()
    assert api.pipeline.store.load(talk, api.user).turns


def test_a_title_that_is_too_long(api):
    assert models_people.MAX_TITLE == headings.MAX_TITLE
    path = f"/v1/users/{api.user}/conversations/none"
    problem(api.client.patch(path, json={"title": "长" * 121}), 422, "field")


# -- operation ----------------------------------------------------------------------------------------------------------------


def test_a_token_speaks_for_its_user_until_it_is_revoked(api):
    path = f"/v1/users/{api.user}/tokens"
    issued = api.client.post(path, json={"seconds": 60}).json()
    assert issued["user"] == api.user
    token = {"Authorization": f"Bearer {issued['token']}"}
    assert api.client.post("/v1/chat", json={"message": "hello"}, headers=token).json()["user"] == api.user
    problem(api.client.post(path, json={}, headers=token), 403, "scope")
    problem(api.client.post(path, json={"seconds": 59}), 422, "field")


def test_a_server_that_is_ready(api):
    assert get(api, "/v1/health")["status"] == "ok"
    ready = get(api, "/v1/ready")
    assert ready["ready"] is True
    assert set(ready["checks"].values()) == {"ok"}
    metrics = api.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "zhiyin_build_info" in metrics.text


def test_a_store_that_cannot_be_read_is_not_ready(api, monkeypatch):
    def fail(*_):
        raise OSError("a secret of the inside")

    monkeypatch.setattr(api.pipeline.store, "headings", fail)
    answer = api.client.get("/v1/ready")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert answer.json()["checks"]["store"] != "ok"


def test_while_nothing_is_loaded_every_route_says_so(loading):
    works = {"health", "metrics", "issue_token"}
    for method, path, operation in routes(loading.app):
        said = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
        answer = loading.client.request(method, path, json=said["zh"]["value"] if said else None)
        if operation["operationId"] in works:
            assert answer.status_code == 200, path
        elif operation["operationId"] == "ready":
            assert answer.status_code == 503
            assert (answer.json()["stage"], answer.json()["fraction"]) == ("index", 0.4)
            assert "retry-after" in answer.headers
        else:
            problem(answer, 503, "error_loading")
            assert int(answer.headers["retry-after"]) > 0


def test_examples_are_what_the_models_say():
    asked = [
        (models.ChatRequest, examples.CHAT, examples.CHAT_ZH),
        (models.RecommendRequest, examples.RECOMMEND, examples.RECOMMEND_ZH),
        (models_people.EventBatch, examples.EVENTS, examples.EVENTS_ZH),
        (models_people.ProfilePatch, examples.PATCH, examples.PATCH_ZH),
        (models_people.ConversationPatch, examples.TITLE, examples.TITLE_ZH),
    ]
    told = [
        (models.ChatAnswer, examples.ANSWER, examples.ANSWER_ZH),
        (models.RecommendAnswer, examples.LIST, examples.LIST_ZH),
        (models.ItemPage, examples.PAGE, examples.PAGE_ZH),
        (models.ItemCard, examples.CARD, examples.CARD_ZH),
        (models.SimilarItem, *examples.SIMILAR, *examples.SIMILAR_ZH),
        (models_people.ProfileAnswer, examples.PROFILE, examples.PROFILE_ZH),
        (models_people.ConversationHeading, *examples.HEADINGS, *examples.HEADINGS_ZH),
        (models_people.ConversationAnswer, examples.TALKED),
        (models_people.EventsNoted, examples.NOTED),
        (models_people.ErasedAnswer, examples.ERASED),
        (models_people.TokenAnswer, examples.TOKEN),
        (models_people.Readiness, examples.READY, examples.LOADING),
    ]
    for model, *values in [*asked, *told]:
        for value in values:
            parsed = model.model_validate(value)
            assert {name for name in value if name not in model.model_fields} == set()
            assert parsed.model_dump(include=set(value)).keys() == value.keys()


def test_the_description_tells_of_every_answer(api):
    described = get(api, "/v1/openapi.json")
    assert {"StateEvent", "CardsEvent", "TextEvent", "SourcesEvent", "DoneEvent", "ErrorAnswer"} <= described["components"][
        "schemas"
    ].keys()
    names = set()
    for _, path, operation in routes(api.app):
        names.add(operation["operationId"])
        assert operation["summary"]
        assert operation["description"], path
        assert operation["security"]
        assert {"401", "403", "413", "422", "429", "503"} <= operation["responses"].keys()
        for status, answer in operation["responses"].items():
            assert status == "204" or answer["content"], (path, status)
            if status == "200":
                assert any("example" in content or "examples" in content for content in answer["content"].values()), path
    assert len(names) == 18
