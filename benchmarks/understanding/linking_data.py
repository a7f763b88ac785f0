"""Messages with the items that they name: ReDial, INSPIRED, DuRecDial.

ReDial: who wrote a message picked each film from a list by "@", so its name stands in the text as the list has it, "Title
(year)". Films typed by hand are not linked. INSPIRED: links that a program made (UniCRS); common words are among them.
DuRecDial: a message names those films of its own conversation's knowledge that stand in it: between marks (《》『』“”), or bare
when the title has three characters or more; a bare shorter title is too often a word (手机, 最爱). The linker looks for the
films of every conversation at once, so the others distract; what it must find, and where two readings exist, the knowledge
decides.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.files import lines_of, read_object
from benchmarks.quality.films import FilmCatalogue, title_key
from retrieval.domain import Domain
from retrieval.domain_files import load_domain
from retrieval.types import Item

_SPACE = re.compile(r"\s+")
_PLACE = re.compile(r"@(\d+)")
_YEAR = re.compile(r"\s*\((?:18|19|20)\d\d[^()]*\)\s*$")
_ARTICLE = re.compile(r"^(?:the|a|an)\s+(?=\S)")
_LONG_WORD = re.compile(r"[a-z]{5,}")
_SEGMENTED = re.compile(r"(?<![A-Za-z0-9])\s+|\s+(?![A-Za-z0-9])")  # DuRecDial puts spaces between words
_GOAL = re.compile(r"^\s*\[\d+\]\s*")
_OPEN, _CLOSE = "《『“", "》』”"
_PERSON = {"星座", "生日", "身高"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it names. ``places`` are the spans that the file says are names, where it says so."""

    text: str
    gold: frozenset[str]
    places: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LinkingData:
    """Messages over one catalogue.

    Attributes:
        same: id -> the id that stands for it, where the catalogue has a film twice.
    """

    name: str
    domain: Domain
    items: dict[str, Item]
    messages: list[Message]
    same: dict[str, str]


def redial(folder: Path) -> Iterator[LinkingData]:
    """Yield the messages as they are, in lower case without years, and with what people leave out and mistype besides."""
    films = FilmCatalogue(folder / "ievalm")
    same = _same_films(films.items)
    lines = list(lines_of(folder / "valid_raw.jsonl.gz"))
    for name, write in (
        ("ReDial valid", None),
        ("ReDial valid, lower case without year", lambda title, _: _bare(title)),
        ("ReDial valid, as typed", _mistyped),
    ):
        messages = [m for line in lines for m in _redial_messages(line, films, write)]
        yield LinkingData(name, films.domain, films.items, messages, same)


def _redial_messages(
    line: dict[str, Any], films: FilmCatalogue, write: Callable[[str, random.Random], str] | None
) -> Iterator[Message]:
    names = dict(line["movieMentions"] or {})
    for turn, message in enumerate(line["messages"]):
        text, gold, places = "", dict[str, None](), list[tuple[int, int]]()
        at = 0
        raw = message["text"]
        for place in _PLACE.finditer(raw):
            title = _SPACE.sub(" ", names.get(place[1]) or "").strip()
            if not title:
                continue
            random_ = random.Random(f"{line['conversationId']}/{turn}/{place.start()}")
            written = write(title, random_) if write else title
            text += _SPACE.sub(" ", raw[at : place.start()])
            places.append((len(text), len(text) + len(written)))
            text += written
            at = place.end()
            if item := films.by_name(title):
                gold[item] = None
        yield Message(text + _SPACE.sub(" ", raw[at:]), frozenset(gold), tuple(places))


def _bare(title: str) -> str:
    return _YEAR.sub("", title).lower() or title


def _mistyped(title: str, random_: random.Random) -> str:
    """In lower case, without year and leading article, one word of five letters or more with one edit."""
    title = _ARTICLE.sub("", _bare(title))
    words = list(_LONG_WORD.finditer(title))
    if not words:
        return title
    word = random_.choice(words)
    letters, place = list(word[0]), random_.randrange(1, len(word[0]) - 1)  # the first letter is seldom wrong
    match random_.choice(("drop", "swap", "double", "other")):
        case "drop":
            del letters[place]
        case "swap":
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        case "double":
            letters.insert(place, letters[place])
        case _:
            letters[place] = random_.choice("abcdefghijklmnopqrstuvwxyz".replace(letters[place], ""))
    return title[: word.start()] + "".join(letters) + title[word.end() :]


def _same_films(items: dict[str, Item]) -> dict[str, str]:
    """Films that a catalogue has twice: the same words, and years at most one apart or one of them unknown."""
    by_key: dict[str, list[Item]] = defaultdict(list)
    for item in items.values():
        by_key[title_key(item.title("en"))].append(item)
    same: dict[str, str] = {}
    for twins in by_key.values():
        kept: list[Item] = []
        for item in sorted(twins, key=lambda i: "year" not in i.facets):
            year = item.facets.get("year")
            first = next((k for k in kept if year is None or abs(_year(k) - int(str(year))) <= 1), None)
            if first:
                same[item.id] = first.id
            else:
                kept.append(item)
    return same


def _year(item: Item) -> int:
    return int(str(item.facets.get("year") or 0))


def inspired(folder: Path) -> Iterator[LinkingData]:
    """Yield the messages of the development set with the links of UniCRS that are items of CIKM'23."""
    films = FilmCatalogue(folder / "cikm23")
    numbers = {name: str(number) for name, number in _entities(folder / "cikm23").items()}
    messages: list[Message] = []
    for dialogue in _arrays_of(folder / "unicrs" / "dev.jsonl.gz"):
        for turn in dialogue:
            gold = {number for link in turn["movie_link"] if (number := numbers.get(link)) in films.items}
            messages.append(Message(_SPACE.sub(" ", turn["text"]).strip(), frozenset(n for n in gold if n)))
    yield LinkingData("INSPIRED dev", films.domain, films.items, messages, _same_films(films.items))


def _entities(folder: Path) -> dict[str, int]:
    return read_object(folder, "entity2id.json") or {}


def _arrays_of(path: Path) -> Iterator[list[dict[str, Any]]]:
    yield from lines_of(path)  # pyright: ignore[reportReturnType]  (this file has an array a line)


def durecdial(folder: Path) -> Iterator[LinkingData]:
    """Yield the messages as they are, and as typed: without marks, one character of a long title with another of its sound."""
    films, conversations = _durecdial(folder)
    items = {title: Item(title, {"zh": title}, {}, {}, {}) for title in sorted(films)}
    for name, write in (("DuRecDial", None), ("DuRecDial, as typed", _same_sound)):
        messages: list[Message] = []
        for number, (known, said) in enumerate(conversations.values()):
            for turn, text in enumerate(said):
                gold, places = _spoken(text, known)
                if write and places:
                    text, places = write(text, places, random.Random(f"{number}/{turn}"))
                messages.append(Message(text, frozenset(gold), tuple(places)))
        yield LinkingData(name, load_domain("movies"), items, messages, {})


def _durecdial(folder: Path) -> tuple[set[str], dict[str, tuple[set[str], dict[str, None]]]]:
    films: set[str] = set()
    conversations: dict[str, tuple[set[str], dict[str, None]]] = {}
    for name in ("train", "dev", "test"):
        for line in lines_of(folder / f"{name}.jsonl.gz"):
            people = {s for s, p, _ in line["knowledge"] if p in _PERSON}
            known = {_joined(s) for s, p, _ in line["knowledge"] if p == "导演"}
            known |= {_joined(o) for s, p, o in line["knowledge"] if p == "主演" and s in people}
            known |= {_joined(goal[2]) for goal in line["goal"] if goal[0].strip() == "电影 推荐" and len(goal) > 2}
            known.discard("")
            films |= known
            who = line.get("user_profile") or line.get("name")
            key = json.dumps([line["goal"], who, line["situation"]], ensure_ascii=False)
            said = conversations.setdefault(key, (known, {}))[1]
            said |= dict.fromkeys(
                _joined(_GOAL.sub("", text)) for text in line.get("history") or line.get("conversation") or ()
            )
    for line in (folder / "resources" / "final_star2movie.txt").read_text(encoding="utf-8").splitlines():
        films |= {_joined(title) for title in line.partition("\x01")[2].split("\t")} - {""}
    return films, conversations


def _joined(text: str) -> str:
    return _SEGMENTED.sub("", text).strip()


def _spoken(text: str, known: set[str]) -> tuple[set[str], list[tuple[int, int]]]:
    """The films that a text names, and where: the longest title wins where two overlap."""
    found: set[str] = set()
    places: list[tuple[int, int]] = []
    for title in sorted(known, key=lambda t: (-len(t), t)):
        for match in re.finditer(re.escape(title), text, re.IGNORECASE):
            start, end = match.span()
            marked = text[start - 1 : start] in tuple(_OPEN) and text[end : end + 1] in tuple(_CLOSE)
            if (marked or len(title) > 2) and not any(a < end and start < b for a, b in places):
                found.add(title)
                places.append((start, end))
    return found, sorted(places)


def _same_sound(text: str, places: list[tuple[int, int]], random_: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """Take the marks away and write one character of each title of four or more as another of its sound."""
    written, at, moved = "", 0, list[tuple[int, int]]()
    for start, end in places:
        before, title = text[at:start].rstrip(_OPEN), list(text[start:end])
        chosen = [n for n, c in enumerate(title) if _OTHERS.get(c)] if len(title) > 3 else []
        if chosen:
            n = random_.choice(chosen)
            title[n] = random_.choice(_OTHERS[title[n]])
        written += before
        moved.append((len(written), len(written) + len(title)))
        written += "".join(title)
        at = end + (text[end : end + 1] in tuple(_CLOSE))
    return written + text[at:], moved


# What an input method offers for one syllable, commonest first.
_SOUNDS = (
    "是事时世市式 的地得 在再 他她它 有又友右 一以已意 为位未味 人仁 这着者 中种重 个各 大达 上尚 们门 到道 "
    "说硕 国果 和河合 你尼 生声升胜 天添 年念 小晓笑 心新欣 爱艾 情晴清青 城成程诚 故古 男南难 女 王网忘望 "
    "神身深 战站 风封疯 月越跃 家加佳嘉 夜业叶 星行形兴 龙隆 花华话 明名鸣 手首守 子字紫 空孔 影映迎 海孩 东冬 "
    "金今近 红宏 飞非 黑嘿 白百 爸吧 记纪寄 计及 美每 快块 乐了 梦孟 恋练脸 怪 力立历 剑见件 雪血 火伙 山善 "
    "水谁 少绍 好号 师诗 侠下夏 行幸 缘元原远 传船 英应 雄熊 真珍 假价"
).split()
_OTHERS = {c: group.replace(c, "") for group in _SOUNDS for c in group if len(group) > 1}

READERS: tuple[tuple[str, Callable[[Path], Iterator[LinkingData]]], ...] = (
    ("redial", redial),
    ("inspired", inspired),
    ("durecdial_lic2020", durecdial),
)
