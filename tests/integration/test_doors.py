"""Every door of the API, on a real server: each holds a conversation whose second message means the first answer's items."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import anyio
import anyio.to_thread
import httpx2
import mcp
import openai
import pytest
from api_server import WaitingModel, listening
from mcp.client.streamable_http import streamable_http_client

from chatbot.api.application import make_api
from chatbot.api.guard import Door
from chatbot.api.mcp_door import make_mcp, mcp_router
from chatbot.api.models import ChatAnswer, DoneEvent, ItemCard, ItemPage, RecommendAnswer
from chatbot.api.models_people import EventIn, EventsNoted, ProfilePatch
from chatbot.api.openai_chat import openai_router
from chatbot.api.service import Service
from chatbot.api.streaming import make_room
from chatbot.api_keys import SCOPES, issue
from chatbot.client import Client, InvalidError, NotAllowedError, NotFoundError
from chatbot.loading import Loader
from chatbot.observing.metrics import Metrics
from chatbot.store.keys import InMemoryKeys

ROOT = Path(__file__).resolve().parents[2]
TALKS = {
    "en": ["something quiet for tonight, no horror", "not the second one, older", "how long is the first one?"],
    "zh": ["今晚想看点安静的，不要恐怖片", "再老一点的", "第一部多长？"],
}


def put_together(pipeline, keys):
    """The API with all its doors, as ``serve`` puts it together."""
    loader = Loader(lambda report: pipeline)
    loader.start()
    loader.wait(30)
    service, room = Service(loader), make_room()
    door, lifespan = make_mcp(service, room)
    routers = openai_router(service, room), mcp_router(door)
    return service, make_api(service, Door(lambda: keys), Metrics().render, routers=routers, lifespan=lifespan, room=room)


@pytest.fixture(scope="module")
def server(make_pipeline):
    """A server that asks for keys, and who may come in."""
    keys = InMemoryKeys()
    secret, _ = issue(keys, "shop", SCOPES)
    service, app = put_together(make_pipeline(["A quiet one.", "安静的一部。"]), keys)

    with listening(app) as http:
        yield SimpleNamespace(url=str(http.base_url).rstrip("/"), key=secret, keys=keys, service=service, app=app)


@pytest.fixture
def zhiyin(server):
    with Client(server.url, server.key) as client:
        yield client


def check_conversation(server, conversation, user, language, replies):
    """The stored turns are one conversation: what was said second changes the first list, and the third asks of the second."""
    turns = server.service.conversation(conversation, user).turns
    assert [turn["message"] for turn in turns] == TALKS[language]
    assert [turn["record"]["reply"] for turn in turns] == replies
    assert [turn["record"]["request"]["intent"] for turn in turns] == ["recommend", "refine", "ask_item"]
    assert {turn["record"]["language"] for turn in turns} == {language}
    first, second = ([item["id"] for item in turn["record"]["items"]] for turn in turns[:2])
    assert not set(first) & set(second)
    items = server.service.pipeline.index.items
    assert max(items[i].values("year")[0] for i in second) < max(items[i].values("year")[0] for i in first)
    assert items[second[0]].title(language) in replies[2]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("streamed", [False, True])
def test_typed_client_holds_a_conversation(server, zhiyin, language, streamed):
    user, conversation, replies = f"typed {language} {streamed}", None, []
    for message in TALKS[language]:
        if streamed:
            *before, done = zhiyin.stream(message, user=user, conversation=conversation)
            assert isinstance(done, DoneEvent)
            assert {type(event).__name__ for event in before} >= {"StateEvent", "TextEvent"}
            answer = done.answer
        else:
            answer = zhiyin.chat(message, user=user, conversation=conversation)
        conversation = answer.conversation
        replies.append(answer.reply)
    check_conversation(server, conversation, user, language, replies)
    assert [heading.turns for heading in zhiyin.conversations(user=user)] == [3]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("streamed", [False, True])
def test_openai_package_holds_a_conversation(server, language, streamed):
    """The client keeps no id: the history says which conversation it is."""
    user, messages, replies = f"openai {language} {streamed}", [{"role": "system", "content": "You are a pirate."}], []
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client:
        for message in TALKS[language]:
            messages.append({"role": "user", "content": message})
            said = client.chat.completions.create(
                model="zhiyin", messages=messages, user=user, stream=streamed, temperature=0.2, max_tokens=20
            )
            if streamed:
                reply = "".join(piece.choices[0].delta.content or "" for piece in said)
            else:
                reply = said.choices[0].message.content
                assert said.usage.total_tokens == 0
            messages.append({"role": "assistant", "content": reply})
            replies.append(reply)
        assert [model.id for model in client.models.list()] == ["zhiyin"]
    (heading,) = server.service.conversations(user)
    check_conversation(server, heading.id, user, language, replies)


def test_openai_package_understands_what_is_refused(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="zy_wrong") as client, pytest.raises(openai.AuthenticationError):
        client.models.list()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client:
        picture = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
        with pytest.raises(openai.BadRequestError, match="Only text can be read here") as raised:
            client.chat.completions.create(model="zhiyin", messages=[{"role": "user", "content": picture}], user="ann")
        assert (raised.value.code, raised.value.param) == ("unsupported_content", "messages")


def with_mcp(server, work, *, key=None, mode="auto", timeout=60):
    """Run ``await work(client)`` with the SDK's own client."""

    async def run():
        headers = {"Authorization": f"Bearer {key or server.key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=timeout) as http:
            async with mcp.Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as client:
                return await work(client)

    return anyio.run(run)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("mode", ["legacy", "auto"])  # of the protocol: with a handshake, as most clients have it, and without
def test_mcp_client_holds_a_conversation(server, language, mode):
    user = f"mcp {language} {mode}"

    async def work(client):
        conversation, replies = None, []
        for message in TALKS[language]:
            called = await client.call_tool("chat", {"message": message, "user": user, "conversation": conversation})
            assert not called.is_error
            answer = ChatAnswer.model_validate(called.structured_content)
            assert json.loads(called.content[0].text)["reply"] == answer.reply
            conversation = answer.conversation
            replies.append(answer.reply)
        return conversation, replies

    conversation, replies = with_mcp(server, work, mode=mode)
    check_conversation(server, conversation, user, language, replies)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_agent_that_leaves_stops_the_turn(make_pipeline, mode):
    model, keys = WaitingModel(), InMemoryKeys()
    secret, _ = issue(keys, "agent", ["chat"])
    service, app = put_together(make_pipeline(model=model), keys)

    async def work(client):
        with anyio.move_on_after(20) as scope:
            async with anyio.create_task_group() as tasks:

                async def leave():
                    await anyio.to_thread.run_sync(model.waiting.wait, 20)
                    scope.cancel()

                tasks.start_soon(leave)
                await client.call_tool("chat", {"message": "a quiet film about space", "user": "ann", "conversation": "c1"})

    with listening(app) as http:
        with_mcp(SimpleNamespace(url=str(http.base_url).rstrip("/"), key=secret), work, mode=mode)
        assert model.let_go.wait(20)
        until(lambda: service.running == 0)
    assert service.conversation("c1", "ann").turns[0]["record"]["items"]


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_mcp_tools(server, zhiyin):
    no_horror = {"field": "genres", "op": "excludes", "value": "horror"}

    async def work(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        called = {}
        for name, arguments in {
            "recommend": {
                "message": "a slow thriller",
                "constraints": [no_horror],
            },
            "search_items": {"words": "亚飞与亚基", "limit": 2, "language": "zh"},
            "get_item": {"id": "her-2013", "language": "zh"},
            "record_feedback": {"user": "mcp tools", "kind": "liked", "item": "her-2013"},
        }.items():
            called[name] = await client.call_tool(name, arguments)
        return tools, called

    tools, called = with_mcp(server, work)
    assert list(tools) == ["chat", "recommend", "search_items", "get_item", "record_feedback"]
    assert "stream" not in tools["chat"].input_schema["properties"]
    assert tools["recommend"].annotations.read_only_hint
    assert not any(result.is_error for result in called.values())
    listed = RecommendAnswer.model_validate(called["recommend"].structured_content).items
    assert len(listed) == 10
    assert not any("horror" in entry.item.facets["genres"] for entry in listed)
    assert ItemPage.model_validate(called["search_items"].structured_content).total >= 0
    assert ItemCard.model_validate(called["get_item"].structured_content).title == zhiyin.item("her-2013", language="zh").title
    assert EventsNoted.model_validate(called["record_feedback"].structured_content).new == 1
    assert zhiyin.profile(user="mcp tools").liked == ["her-2013"]


def test_mcp_errors_are_words_for_the_agent(server):
    async def work(client, *calls):
        return [await client.call_tool(name, arguments) for name, arguments in calls]

    calls = (
        ("get_item", {"id": "nothing"}),
        ("get_item", {}),
        ("chat", {"message": "hi"}),
        ("chat", {"message": "hi", "user": "ann", "conversation": "c", "colour": "red"}),
        ("erase", {}),
    )
    said = with_mcp(server, lambda client: work(client, *calls))
    assert all(result.is_error for result in said)
    words = [result.content[0].text for result in said]
    expected = ["no item 'nothing'", "id: Field required", "'user' is missing", "colour", "no tool 'erase'"]
    for part, told in zip(expected, words, strict=True):
        assert part in told
    lists, _ = issue(server.keys, "lists", ["recommend"])
    (refused,) = with_mcp(server, lambda client: work(client, ("chat", {"message": "hi", "user": "ann"})), key=lists)
    assert "does not have the scope 'chat'" in refused.content[0].text


def test_mcp_asks_for_a_key(server):
    answered = httpx2.post(f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answered.status_code == 401


def test_token_of_one_user_reads_nothing_of_another(server, zhiyin):
    said = zhiyin.chat("slow crime films, my secret wish", user="bob")
    zhiyin.events(EventIn(user="bob", kind="liked", item="her-2013"))
    token = zhiyin.token(user="ann", seconds=60)
    assert token.user == "ann"
    with Client(server.url, token.token, user="ann") as mine:
        assert mine.conversations() == []
        assert mine.profile().liked == []
        with pytest.raises(NotFoundError):
            mine.conversation(said.conversation)
        with pytest.raises(NotFoundError):
            mine.chat("older", conversation=said.conversation)
        for forbidden in (
            lambda: mine.profile(user="bob"),
            lambda: mine.export(user="bob"),
            lambda: mine.erase(user="bob"),
            lambda: mine.chat("older", user="bob", conversation=said.conversation),
            lambda: mine.conversations(user="bob"),
            lambda: mine.recommend(user="bob"),
            lambda: mine.events(EventIn(user="bob", kind="disliked", item="her-2013")),
            lambda: mine.token(),
        ):
            with pytest.raises(NotAllowedError):
                forbidden()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=token.token) as client:
        history = [
            {"role": "user", "content": "slow crime films, my secret wish"},
            {"role": "assistant", "content": said.reply},
        ]
        answered = client.chat.completions.with_raw_response.create(
            model="zhiyin", messages=[*history, {"role": "user", "content": "thanks"}]
        )
    conversation = answered.headers["X-Conversation"]
    assert conversation != said.conversation  # the same words, and still bob's conversation is not found
    assert [turn["message"] for turn in server.service.conversation(conversation, "ann").turns][-1] == "thanks"

    async def work(client):
        return [
            await client.call_tool("chat", {"message": "older", "conversation": said.conversation}),
            await client.call_tool("chat", {"message": "older", "user": "bob"}),
            await client.call_tool("record_feedback", {"kind": "liked", "item": "her-2013", "user": "bob"}),
        ]

    assert all(result.is_error for result in with_mcp(server, work, key=token.token))
    assert len(zhiyin.conversation(said.conversation, user="bob").turns) == 1
    assert zhiyin.profile(user="bob").liked == ["her-2013"]


def test_typed_client_does_what_the_routes_do(server, zhiyin):
    page = zhiyin.items(limit=2)
    more = zhiyin.items(limit=2, after=page.next)
    assert len({item.id for item in (*page.items, *more.items)}) == 4
    item = page.items[0].id
    assert zhiyin.item(item).id == item
    assert zhiyin.similar(item, count=3)[0].item.id != item
    with pytest.raises(NotFoundError) as raised:
        zhiyin.item("no/such item")
    assert raised.value.request_id
    assert zhiyin.recommend("quiet", count=4, exclude=[item]).items[3].rank == 4
    with pytest.raises(InvalidError):
        zhiyin.recommend(like=["nothing"], constraints=[{"field": "no such field", "op": "min", "value": 1}])

    with Client(server.url, server.key, user="all/of it") as mine:
        mine.events(EventIn(kind="liked", item=item))
        changed = mine.change_profile(ProfilePatch(set={more.items[0].id: "saved"}, clear=[item]))
        assert (changed.liked, changed.saved) == ([], [more.items[0].id])
        said = mine.chat("something quiet", once="the same")
        assert mine.chat("something quiet", once="the same").turn == said.turn
        mine.rename_conversation(said.conversation, "Evening")
        assert [heading.title for heading in mine.conversations("quiet")] == ["Evening"]
        assert len(mine.conversation(said.conversation).turns) == 1
        assert mine.export()
        mine.remove_conversation(said.conversation)
        assert mine.conversations() == []
        mine.chat("something quiet")
        erased = mine.erase()
        assert (erased.turns, erased.traces) == (1, [])
        assert mine.profile().saved == []
    assert zhiyin.health().status == "ok"
    assert zhiyin.ready().ready


def test_every_route_of_every_door_asks_for_a_key(server):
    described = server.app.openapi()["paths"]
    assert {"/v1/chat/completions", "/v1/models"} <= set(described)
    with httpx2.Client(base_url=server.url) as http:
        for path, methods in described.items():
            for method in methods:
                assert http.request(method, re.sub(r"\{.*?\}", "x", path), json={}).status_code == 401, path


# -- the page of documentation ------------------------------------------------------------------------------------

DOCS = ("docs/api.md", "docs/api.zh-CN.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return [code for found, code in FENCE.findall(text) if found == language]


def at(server, code):
    """An example as it stands, but for the address of this server."""
    return code.replace("http://127.0.0.1:7860", server.url)


@pytest.mark.parametrize("name", DOCS)
def test_python_examples_run(server, name, monkeypatch):
    examples = blocks(name, "python")
    assert len(examples) >= 10
    monkeypatch.setenv("API_KEY", server.key)
    code = at(server, "\n".join(examples))  # each goes on where the one before ended, as a reader does
    exec(compile(code, name, "exec"), {"__name__": "example"})


@pytest.mark.parametrize("name", DOCS)
def test_curl_examples_run(server, name):
    examples = blocks(name, "bash")
    calls = [example for example in examples if "curl" in example]
    assert len(calls) >= 10
    environment = {**os.environ, "API_KEY": server.key}
    for example in calls:
        code = at(server, example).replace("curl ", "curl --fail-with-body -sS ")
        ran = subprocess.run(["bash", "-euc", code], env=environment, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"{example}\n{ran.stdout}\n{ran.stderr}"
        assert not re.search(r'^\{"error"|^event: error', ran.stdout, re.MULTILINE)


def test_both_languages_have_the_same_examples():
    """All but the words that are said, and the comments."""
    for language in ("python", "bash", "json", "yaml"):
        plain = [[_without_words(code) for code in blocks(name, language)] for name in DOCS]
        assert plain[0] == plain[1]


@pytest.mark.parametrize("name", DOCS)
def test_scopes_are_told(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert {scope for scope in SCOPES if f"| `{scope}` |" in text and f"--scope {scope}" in text} == set(SCOPES)


def _without_words(code):
    code = re.sub(r"#.*", "", code).replace('"zh"', '"en"')
    return re.sub(r'"[^"\n]*"', lambda found: '""' if re.search(r"[ \u4e00-\u9fff]", found[0]) else found[0], code)
