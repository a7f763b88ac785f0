"""People who talk, each with words and likes of their own, and the check that an answer holds nothing of anybody else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

SECRET = re.compile(r"zq[0-9a-f]{12}")
NAME = re.compile(r"talker-\d+-[0-9a-f]{8}")
HISTORY = re.compile(r"\bhistory\.([\w.'-]+)")
LIKED = 3  # items of each person, nobody else's
TALK = 7  # messages of a conversation
PROFILE = {"en": "What do you know about me?", "zh": "你知道我喜欢什么吗？"}
WISHES = {
    "en": [
        "Something quiet about {secret} and old friends, no horror",
        "A funny film, {secret}, under two hours, nothing violent",
        "Korean thrillers after 2005, and {secret}",
        "My word is {secret}. A warm family story, please",
        "Science fiction without aliens, {secret}",
    ],
    "zh": [
        "想看安静一点的，关于{secret}和老朋友，不要恐怖片",
        "搞笑的，{secret}，两小时以内，不要暴力",
        "2005年以后的韩国惊悚片，还有{secret}",
        "我的暗号是{secret}，来点温馨的家庭故事",
        "科幻片，不要外星人，{secret}",
    ],
}
FOLLOWING = {
    "en": ["older ones", "something shorter, {secret}", "more like the second one", "show me others", "not so sad, {secret}"],
    "zh": ["老一点的", "短一点的，{secret}", "像第二个那样的", "换一批", "别太悲伤，{secret}"],
}


@dataclass(frozen=True)
class Talker:
    """One person.

    Attributes:
        name: nobody else's.
        secret: a word that is in this person's messages alone.
        likes: ids of items that only this person likes.
        seed: of what is said.
    """

    name: str
    secret: str
    likes: tuple[str, ...]
    seed: str

    def messages(self) -> Iterator[tuple[int, str]]:
        """Yield without end the number of the conversation and what is said in it: wishes, changes of them, questions."""
        rng = random.Random(self.seed)
        talk = 0
        while True:
            language = rng.choice(["en", "zh"])
            for n in range(TALK):
                said = PROFILE[language] if n == 4 else rng.choice((FOLLOWING if n % 3 else WISHES)[language])
                yield talk, said.format(secret=self.secret)
            talk += 1

    def under(self, name: str) -> Talker:
        """Return the same person under another name."""
        return Talker(name, self.secret, self.likes, self.seed)


def talkers(count: int, items: Sequence[str], run: str) -> list[Talker]:
    """Return people who share nothing, each time the same for one name of a run.

    Raises:
        ValueError: there are not enough items for all of them.
    """
    if LIKED * count > len(items):
        raise ValueError(f"{count} people need {LIKED * count} items, and there are {len(items)}")
    rng = random.Random(run)
    chosen = rng.sample(sorted(items), LIKED * count)
    return [
        Talker(
            f"talker-{n}-{rng.getrandbits(32):08x}",
            f"zq{rng.getrandbits(48):012x}",
            tuple(chosen[LIKED * n : LIKED * (n + 1)]),
            f"{run} {n}",
        )
        for n in range(count)
    ]


@dataclass(frozen=True)
class Watcher:
    """Finds in an answer what is somebody else's.

    Attributes:
        people: all of them.
        titles: item id -> its titles.
    """

    people: Sequence[Talker]
    titles: Mapping[str, Sequence[str]]
    found: list[str] = field(default_factory=list[str])

    @cached_property
    def _owners(self) -> dict[str, str]:
        """Title -> the secret of who likes the item, where it is no part of another title and no ordinary word."""
        known = {title for titles in self.titles.values() for title in titles}
        own = {title: p.secret for p in self.people for item in p.likes for title in self.titles.get(item, ())}
        alone = {title for title in own if len(title) > 7 and sum(title in other for other in known) == 1}
        return {title: own[title] for title in alone}

    def look(self, person: Talker, text: str, of_profile: str = "") -> list[str]:
        """Return what of others is in an answer to somebody, and remember it.

        Args:
            person: who gets it.
            text: all of it, as JSON.
            of_profile: of it what tells of the person's profile, where no title may be that somebody else likes.
        """
        others = {word for word in SECRET.findall(text) if word != person.secret}
        others |= {name for name in NAME.findall(text) if name != person.name}
        others |= {f"history.{item}" for item in HISTORY.findall(text) if item not in person.likes}
        others |= {title for title, secret in self._owners.items() if secret != person.secret and title in of_profile}
        crossed = [f"{person.name} got {what}" for what in sorted(others)]
        self.found.extend(crossed)
        return crossed


def shipped_titles() -> dict[str, tuple[str, ...]]:
    """Return the ids of the shipped films with their titles."""
    from retrieval.domain_files import load_domain

    path: Path = load_domain("movies").catalogue_path
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["id"]: (row["title_en"], row["title_zh"]) for row in rows}
