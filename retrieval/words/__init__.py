"""Word lists of English: what may be written without meaning a title."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

# What people type in chats and word lists do not have.
_CHAT = (
    "aka bc bday btw cgi cuz dc def dude dvd ect etc fav fave favs favorites gonna gotta haha hahaha hehe hes hey hi hii hmm "
    "idk ill im imdb imo ive jk kinda lmao lmk lol lots luv mcu meh mins netflix nope ok okay omg oscar oscars pg pls plz prob "
    "probs rec recs romcom romcoms scifi sci fi shes sorta thats theres theyre theyve thx tv ty ur vibe vibes wanna wasnt "
    "werent whats wheres whos woah wow wouldnt yea yeah yep yes yikes yup"
)


@dataclass(frozen=True, slots=True)
class English:
    """Words in lower case, without apostrophes.

    Attributes:
        basic: the few thousand that every text is made of.
        common: those and what a reader of any age knows.
        usual: those and what a reader of newspapers knows.
        names: of people and places, where they are no usual words.
    """

    basic: frozenset[str]
    common: frozenset[str]
    usual: frozenset[str]
    names: frozenset[str]

    def knows(self, word: str) -> bool:
        """Whether it is a word or a name, and so no slip of the hand."""
        return word in self.usual or word in self.names or word.isdigit() or len(word) < 2


@cache
def english() -> English:
    """Read the list, once a process: 50 thousand words."""
    parts = (Path(__file__).parent / "english.txt").read_text(encoding="utf-8").split("\n[")[1:]
    lists = {name: body.split() for name, _, body in (part.partition("]") for part in parts)}
    basic = frozenset(lists["basic"]) | frozenset(_CHAT.split())
    common = basic.union(lists["common"])
    return English(basic, common, common.union(lists["usual"]), frozenset(lists["names"]))
