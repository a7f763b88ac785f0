"""Every shipped domain from the command line in both languages, and several of them in one process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from forking import run_app

from retrieval.domain_files import load_domain, shipped_domains

ROOT = Path(__file__).resolve().parents[2]
WISHES = {
    "movies": ("a quiet film, no horror", "想看安静的，不要恐怖片"),
    "books": ("a mystery under 400 pages, nothing for children", "两百页以内的中国小说"),
    "music": ("calm jazz without vocals", "安静的爵士，不要人声"),
    "shop": ("a waterproof jacket under $200", "一百块以内的杯子"),
    "news": ("science news from the last three days", "这周的科技新闻，不要评论"),
    "learning": ("a free course for beginners", "零基础的摄影课"),
    "health": ("something gentle to do at home, I have asthma", "睡眠方面的文章，我怀孕了"),
    "finance": ("what low-risk products look like", "低风险的储蓄产品"),
}


def environment(data: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
    return {**kept, "ZHIYIN_DATA": str(data), "PYTHONWARNINGS": "default"}


def test_there_is_a_wish_for_every_domain():
    assert {*WISHES} == {*shipped_domains()}
    assert len(WISHES) == 8


@pytest.mark.parametrize("name", WISHES)
def test_a_domain_answers_in_both_languages(tmp_path, name):
    """``zhiyin --domain D ask``: three items or as many as keep it, each with a reason in the language of the message."""
    batch = tmp_path / "wishes.jsonl"
    lines = [json.dumps({"message": wish, "conversation": str(n)}) for n, wish in enumerate(WISHES[name])]
    batch.write_text("\n".join(lines), encoding="utf-8")
    arguments = ["--domain", name, "--offline-demo", "ask", "--json", "--batch", batch]
    done = run_app(arguments, environment(tmp_path / "data"), ROOT)
    assert done.returncode == 0, done.stderr
    turns = [json.loads(line) for line in done.stdout.splitlines()]
    assert [turn["language"] for turn in turns] == ["en", "zh"]
    noun = load_domain(name).noun
    for turn in turns:
        assert turn["items"], turn["reply"]
        assert turn["request"]["constraints"]
        for item in turn["items"]:
            told = " ".join(reason["text"] for reason in item["reasons"])
            assert bool(re.search(r"[\u4e00-\u9fff]", told)) == (turn["language"] == "zh"), told
        assert (
            any(word in turn["opening"] for word in (noun[turn["language"]].one, noun[turn["language"]].many))
            or len(turn["items"]) < 3
        )


@pytest.fixture(scope="module", params=["page", "serve"])
def several(request, tmp_path_factory):
    """One process that serves two catalogues, with pages or without; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("several")
    options = ["--domain", "books,music", "--offline-demo", "--port", str(port)]
    command = [sys.executable, ROOT / "app.py", *(["serve"] if request.param == "serve" else []), *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log, env=environment(folder / "data"))
        address = f"http://127.0.0.1:{port}"
        try:
            for path in ("", "/music"):
                wait_until_ready(f"{address}{path}/v1/ready", process, folder / "log")
            yield address
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, (folder / "log").read_text()
        finally:
            process.kill()
            process.wait()


def wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("several", ["page"], indirect=True)
def test_each_catalogue_has_a_page_that_shows_the_way_to_the_others(several):
    pages = {path: httpx.get(f"{several}{path}", timeout=30).text for path in ("/", "/music/")}
    for path, page in pages.items():
        for way in ("/", "/music/"):
            assert re.search(rf'href=\\?"{way}\\?"', page), (path, way)


def test_each_catalogue_has_an_api_with_its_own_items(several):
    wishes = {"": {"message": "a mystery", "count": 5}, "/music": {"message": "jazz", "count": 5}}
    found = {path: httpx.post(f"{several}{path}/v1/recommend", json=wish, timeout=30) for path, wish in wishes.items()}
    assert all(answer.status_code == 200 for answer in found.values()), [answer.text for answer in found.values()]
    ids = {path: {entry["item"]["id"] for entry in answer.json()["items"]} for path, answer in found.items()}
    books, music = (load_domain(name).catalogue_path.read_text(encoding="utf-8") for name in ("books", "music"))
    assert all(f'"{item}"' in books for item in ids[""])
    assert all(f'"{item}"' in music for item in ids["/music"])


def test_a_person_has_a_profile_and_conversations_in_each(several):
    item = httpx.get(f"{several}/music/v1/items?limit=1", timeout=30).json()["items"][0]["id"]
    events = {"events": [{"user": "ann", "kind": "liked", "item": item}]}
    noted = httpx.post(f"{several}/music/v1/events", json=events, timeout=30)
    assert noted.status_code == 200, noted.text
    said = {"user": "ann", "conversation": "c", "message": "something calm", "items_only": True}
    httpx.post(f"{several}/music/v1/chat", json=said, timeout=60).raise_for_status()
    profiles = {path: httpx.get(f"{several}{path}/v1/users/ann/profile", timeout=30).json() for path in ("", "/music")}
    assert item in json.dumps(profiles["/music"])
    assert item not in json.dumps(profiles[""])
    talks = {path: httpx.get(f"{several}{path}/v1/users/ann/conversations", timeout=30).json() for path in ("", "/music")}
    assert '"c"' in json.dumps(talks["/music"])
    assert '"c"' not in json.dumps(talks[""])


def test_words_count_in_every_catalogue_where_the_person_allows_it(several):
    def profile(path, **change):
        url = f"{several}{path}/v1/users/zoe/profile"
        answer = httpx.patch(url, json=change, timeout=30) if change else httpx.get(url, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    said = {"user": "zoe", "conversation": "of-zoe", "message": "I never want anything sad", "items_only": True}
    httpx.post(f"{several}/music/v1/chat", json=said, timeout=60).raise_for_status()
    assert profile("/music")["lines"]
    assert profile("")["share"] is False
    assert not profile("")["lines"]
    assert profile("", share=True)["share"] is True
    assert profile("/music")["share"] is True
    assert profile("")["lines"]
    assert not profile("", share=False)["lines"]
