"""A made-up catalogue, people and requests for benchmarks.load, always the same.

Every item mixes the facets and sentences of two of the shipped films, in both languages, under a title of its own: words are
as frequent, and cards as long, as in a real catalogue.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from retrieval.domain_files import load_domain

SIZE = 20_000
PEOPLE = {0: 40, 20: 40, 200: 40}  # events that somebody has -> how many people have so many
_SENTENCE = {"en": re.compile(r"(?<=[.!?])\s+"), "zh": re.compile(r"(?<=[。！？])")}
_JOIN = {"en": " ", "zh": ""}
_PAIRED = ("directors", "cast", "themes")  # columns whose languages belong together
_MIXED = ("genres", "moods", "countries", "languages")

MESSAGES = {
    "en": [
        "something quiet and thoughtful, no horror",
        "a Korean thriller after 2010",
        "a funny film for my kids, nothing scary, under two hours",
        "slow dramas about an old friendship",
        "I want to be surprised",
        "a dark crime story from the 1990s, not too violent",
        "science fiction about loneliness in space",
        "romantic comedies set in a big city",
        "a war film that is not American",
        "warm family stories from Japan",
        "a documentary about music",
        "an adventure at sea, no more than 100 minutes",
    ],
    "zh": [
        "安静一点、引人思考的，不要恐怖片",
        "2010年以后的韩国惊悚片",
        "适合孩子看的搞笑片，不要吓人，两小时以内",
        "讲老朋友的慢节奏剧情片",
        "给我一个惊喜",
        "九十年代的黑暗犯罪故事，别太暴力",
        "讲太空里的孤独的科幻片",
        "发生在大城市的爱情喜剧",
        "不要美国的战争片",
        "温馨的日本家庭故事",
        "关于音乐的纪录片",
        "海上冒险，不超过100分钟",
    ],
}
CONSTRAINTS: list[list[dict[str, Any]]] = [
    [{"field": "genres", "op": "excludes", "value": "horror"}],
    [{"field": "year", "op": "min", "value": 1990}, {"field": "genres", "op": "includes", "value": "drama"}],
    [{"field": "runtime", "op": "max", "value": 110}, {"field": "countries", "op": "any_of", "value": ["Japan", "France"]}],
    [{"field": "year", "op": "max", "value": 1960}, {"field": "moods", "op": "excludes", "value": "dark"}],
]


def films(size: int = SIZE) -> Iterator[dict[str, Any]]:
    """Yield rows of the films domain, each with an id of its own: ``made-0000000`` and so on."""
    domain = load_domain("movies")
    real = [json.loads(line) for line in domain.catalogue_path.read_text(encoding="utf-8").splitlines()]
    words = {"en": _words(real, "en"), "zh": _words(real, "zh")}
    for n in range(size):
        rng = random.Random(f"film {n}")
        one, other = rng.sample(real, 2)
        row: dict[str, Any] = {"id": f"made-{n:07d}", "year": rng.choice(real)["year"], "runtime": rng.choice(real)["runtime"]}
        row |= {
            "age": one.get("age"),
            "title_en": _title(rng, words["en"], " ").title(),
            "title_zh": _title(rng, words["zh"], ""),
        }
        for name in _MIXED:
            row[name] = list(dict.fromkeys([*one[name], *rng.sample(other[name], min(1, len(other[name])))]))
        for name in _PAIRED:
            row |= {column: [*one[column], *other[column]][:5] for column in one if column.startswith(name) and column in other}
        for language, cut in _SENTENCE.items():
            told = [cut.split(film[f"summary_{language}"].strip()) for film in (one, other)]
            sentences = [rng.choice(told[0]), rng.choice(told[1]), rng.choice(told[0])]
            row[f"summary_{language}"] = _JOIN[language].join(dict.fromkeys(sentences))
        yield row


def write_catalogue(path: Path, size: int = SIZE) -> list[str]:
    """Write the rows as JSON lines and return their ids."""
    ids: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for row in films(size):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            ids.append(row["id"])
    return ids


def people() -> list[str]:
    """Return the names of people; :func:`history` says what each did."""
    return [f"load-{events}-{n}" for events, count in PEOPLE.items() for n in range(count)]


def history(user: str, size: int = SIZE) -> list[dict[str, Any]]:
    """Return somebody's events, as the API takes them: likes, dislikes, ratings, looks, of items at random."""
    rng = random.Random(user)
    count = int(user.split("-")[1])
    kinds = rng.choices(["liked", "seen", "opened", "saved", "rated", "disliked"], [5, 5, 4, 2, 3, 1], k=count)
    return [
        {
            "user": user,
            "kind": kind,
            "item": f"made-{rng.randrange(size):07d}",
            "at": 1.75e9 + 3600 * n,
            "id": f"{user}-{n}",
            **({"value": rng.choice([0.2, 0.5, 0.8, 1.0])} if kind == "rated" else {}),
        }
        for n, kind in enumerate(kinds)
    ]


@cache
def themes(language: str) -> list[str]:
    """Return what the shipped films are about, in a language."""
    real = (json.loads(line) for line in load_domain("movies").catalogue_path.read_text(encoding="utf-8").splitlines())
    return sorted({theme for film in real for theme in film[f"themes_{language}"]})


def request(rng: random.Random, size: int = SIZE) -> dict[str, Any]:
    """Return the body of a request for a list.

    Half of them have a message, of which half are in Chinese and three in four hardly ever come twice; a third has constraints,
    a quarter names an item to be like, four in five name somebody.
    """
    language = rng.choice(["en", "zh"])
    body: dict[str, Any] = {"language": language, "count": rng.choice([5, 10, 10, 20])}
    if rng.random() < 0.5:
        body["message"] = rng.choice(MESSAGES[language])
        if rng.random() < 0.75:
            one, other = rng.sample(themes(language), 2)
            body["message"] += f", about {one} and {other}" if language == "en" else f"，关于{one}和{other}的"
    if rng.random() < 0.8:
        body["user"] = rng.choice(people())
    if rng.random() < 1 / 3:
        body["constraints"] = rng.choice(CONSTRAINTS)
    if rng.random() < 0.25:
        body["like"] = [f"made-{rng.randrange(size):07d}"]
    return body


def _words(real: list[dict[str, Any]], language: str) -> list[str]:
    """Return words for titles, those that occur in few summaries."""
    text = " ".join(film[f"summary_{language}"] for film in real)
    found = re.findall(r"[a-z]{5,}", text) if language == "en" else re.findall(r"[\u4e00-\u9fff]{2}", text)
    return sorted(set(found))


def _title(rng: random.Random, words: list[str], gap: str) -> str:
    return gap.join(rng.sample(words, rng.choice([2, 3, 3])))
