"""A sentence as statements, each held against the one line that it retells. Pure functions.

A sentence that mixes the words of two lines in one statement says something that neither line says; one that leaves out
"wants to" tells a plan as a fact; one that says a thing twice has lost its way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from chatbot.clauses import HAN
from chatbot.cues import load_cues
from chatbot.types import Language
from retrieval.lexical import tokenize

MIN_LENGTH = {"en": 7, "zh": 10}  # words, Chinese characters: a shorter beginning of a sentence is no sentence
REPEATED = 3  # content words in a row
BORROWED = 2  # names from another line that a pronoun of this one may stand for
_SCOPE_END = {"en": re.compile(r"[.;!?\n]|,\s"), "zh": re.compile(r"[。；！？，的\n]")}  # of a qualification
_NAME = re.compile(r"\b[A-Z][\w'’-]*")
_RELATIVE = re.compile(r"\b(?:(?:which|who|that)\s+(\w+)|(?:is|are|was|were)\s+(\w+(?:ed|en|wn|ught)))\b|,\s+(\w+ing)\b")
_DANGLING = re.compile(r"\b(?:so (?:many|much|few|\w+ly)|such an?)\b(?!.*\b(?:that|as)\b)|, \w+\.$")  # the rest was cut
_APPOSED = re.compile(r"(?P<name>[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)*), (?P<what>[^,;.]+)(?:,|\.$)")
_DOER = re.compile(r"\b(?i:an?|the|his|her|their|its|one|two)(?: [a-z-]+){0,3}? (?P<noun>[a-z-]+) (?P<verb>[a-z-]*[a-rt-z]s)\b")
_ADVERB = re.compile(r"\w+ly|soon|then|now|never|still|also|often|always|only|just|even|once|who|that|and|or|but")
_ARTICLE, _LIST = re.compile(r"(?:an?|the)\b"), re.compile(r",?\s+(?:and|or)\b")
_JOINED = re.compile(r"(?:(?:and|but|while|then|so|or|until|because|when)\s+)+")
_SUBJECT = re.compile(r"(?:an?|the|his|her|their|its|he|she|they|it|who|which|where|whose)\b|[A-Z]")
_PLACE = re.compile(r"(?:outside|inside|in|on|at|from|with|after|before|during|behind|under|over|near|by|through|into|for)\b")
_NAMED = frozenset(tokenize("called named"))  # "an official called Nameless"
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÿ][\w'’-]*")
_PREPOSITIONS = frozenset("of to with for by from in on at near called named into over under across through against".split())
_DETERMINERS = frozenset("a an the this that these those her his its their one two three four five six seven".split())
_STOPS = {"en": ".", "zh": "。"}


def description_sentences(text: str, language: Language) -> list[str]:
    """Split a description into its sentences."""
    ends = [0, *(match.end() for match in load_cues(language).sentence.finditer(text)), len(text)]
    return [part for start, end in pairwise(ends) if (part := text[start:end].strip())]


def split(sentence: str, language: Language) -> list[str]:
    """Split a sentence where a new statement begins; the parts, joined, are the sentence."""
    starts = [match.start() for match in load_cues(language).statement.finditer(sentence)]
    return [sentence[a:b] for a, b in pairwise([0, *starts, len(sentence)]) if sentence[a:b].strip(" ,;:，；：.。")]


def beginnings(sentence: str, language: Language) -> list[str]:
    """Return what is left of a sentence when statements are cut from its end, the longest first; none too short to stand."""
    parts = split(sentence, language)
    heads = ("".join(parts[:n]).rstrip(" ,;:，；：") + _STOPS[language] for n in range(len(parts) - 1, 0, -1))
    return [head for head in heads if length(head, language) >= MIN_LENGTH[language] and not _DANGLING.search(head)]


def length(text: str, language: Language) -> int:
    """Words; characters in Chinese."""
    return len(HAN.findall(text)) if language == "zh" else len(text.split())


def as_told(sentence: str, text: str) -> str:
    """Put what is said after a name before it, where the text has it right there: "Munny, a pig farmer," -> "pig farmer Munny".

    Both say the same, and so the rest can be held against the text word by word.
    """
    for match in _appositions(sentence, text):
        if match[0] not in text:
            sentence = sentence.replace(match[0], f"{match['what']} {match['name']}", 1)
    return sentence


def headless(sentence: str, text: str) -> str:
    """Return a noun that a sentence makes the doer of what the longer noun of the text does, or ""; English alone.

    "A spaceship set rises" is no "spaceship rises"; an adverb may be left out.
    """
    for match in _DOER.finditer(sentence):
        noun, verb = re.escape(match["noun"]), re.escape(match["verb"])
        found = re.search(rf"\b{noun} ([a-z-]+) {verb}\b", text)
        if found and not _ADVERB.fullmatch(found[1]) and f"{match['noun']} {match['verb']}" not in text:
            return match["noun"]
    return ""


def unlike(sentence: str, text: str) -> str:
    """Return what a sentence says of a name ("Martins, a witness,") and the text does not say of it, or ""; English alone.

    The text says it right before the name, or between commas after it, where words may be left out.
    """
    proved = [match.start() for match in _appositions(sentence, text)]
    for match in _APPOSED.finditer(sentence):
        if match.start() in proved or not _ARTICLE.match(match["what"]) or _LIST.match(sentence, match.end()):
            continue
        own = re.search(re.escape(match["name"]) + r", (?=an?\b|the\b)([^,.;]+)", text)
        words = iter(tokenize(own[1]) if own else [])
        if not all(token in words for token in tokenize(match["what"])):
            return match["what"]
    return ""


def _appositions(sentence: str, text: str) -> list[re.Match[str]]:
    """What a sentence says of a name between commas, and the text right before or after that name; English alone."""
    found: list[re.Match[str]] = []
    for match in _APPOSED.finditer(sentence):
        before = tokenize(re.split(r"[.;!?]", text[: max(text.find(match["name"]), 0)])[-1])
        while before and before[-1] in _NAMED:
            before.pop()
        what = tokenize(match["what"])
        if match[0] in text or (what and before[-len(what) :] == what):
            found.append(match)
    return found


def repeats(sentence: str, text: str, glue: Iterable[str]) -> bool:
    """Whether a sentence says the same content words in a row twice, which the text that it retells does not."""
    skip = set(glue)
    twice = [{run for run, times in Counter(_runs(words, skip)).items() if times > 1} for words in (sentence, text)]
    return bool(twice[0] - twice[1])


def _runs(text: str, skip: Collection[str]) -> list[tuple[str, ...]]:
    tokens = [token for token in tokenize(text) if token not in skip]
    return [tuple(tokens[n : n + REPEATED]) for n in range(len(tokens) - REPEATED + 1)]


def mixed(sentence: str, lines: Sequence[str], glue: Iterable[str], language: Language) -> str:
    """Return the first statement whose content words stand in no single line, or "".

    Who does it may come from an earlier line where this one has a pronoun that can stand for them: a name in English, the
    first words in Chinese. What an earlier statement said may be taken up again.

    Args:
        sentence: whose words all stand in the lines or elsewhere on the card.
        lines: the sentences of the description that it retells.
        glue: tokens that need no source.
        language: of all of it.
    """
    if language == "en":  # what was found right beside a name belongs to it in every line
        for match in _appositions(sentence, " ".join(lines)):
            sentence = sentence.replace(match[0], match["name"], 1)
    told = _Told(lines, frozenset(glue), language)
    for part in split(sentence, language):
        pieces = re.split(r"(?<=,)\s", part) if language == "en" else [part]
        if not told.takes([part]) and not (len(pieces) > 1 and told.takes(pieces)):
            return part.strip(" ,;，；")
    return ""


class _Told:
    """The statements of a sentence, one after the other, against the lines that they retell."""

    def __init__(self, lines: Sequence[str], skip: Collection[str], language: Language) -> None:
        self._lines = lines
        self._language: Language = language
        self._bags = [set(tokenize(line)) - set(skip) for line in lines]
        self._pronoun = load_cues(language).pronoun
        self._before: set[str] = set()
        self._last = -1

    def takes(self, parts: Sequence[str]) -> bool:
        """Whether each of the next statements stands in one line; if not, none of them is taken."""
        before, last = set(self._before), self._last
        for part in parts:
            if not self._stands(part):
                self._before, self._last = before, last
                return False
        return True

    def _stands(self, part: str) -> bool:
        tokens = set(tokenize(part)) & set[str]().union(*self._bags)
        if not tokens:
            return True
        best = min(range(len(self._bags)), key=lambda n: (len(tokens - self._bags[n]), n != self._last))
        line = self._lines[best]
        left = tokens - self._bags[best] - self._before
        earlier = set[str]().union(*self._bags[:best]) if self._pronoun.search(line) else set[str]()
        borrowed = left & earlier & _actors(part, self._language)
        if left - borrowed or len(borrowed) > BORROWED:
            return False
        if self._language == "en" and best != self._last >= 0 and not _has_subject(part, line, self._before):
            return False
        self._before |= tokens
        self._last = best
        return True


def _has_subject(part: str, line: str, before: Collection[str]) -> bool:
    """Whether a statement that leaves the last line says who does it, or its own line means who did the last thing.

    "A cook robs a bank, runs off" must not retell "A cook robs a bank. A stranger runs off."
    """
    part = _JOINED.sub("", part, count=1) if _JOINED.match(part) else part
    if _SUBJECT.match(part) or (tokenize(part)[:1] == tokenize(line)[:1] and not _PLACE.match(part)):
        return True
    if load_cues("en").pronoun.match(line):
        return True
    named = _NAME.match(line)
    who = tokenize(named[0]) if named and not named[0].endswith(("'s", "’s")) else []
    return bool(who) and set(who) <= set(before)


def _actors(part: str, language: Language) -> set[str]:
    if language == "zh":
        return {token for token in tokenize(part)[:BORROWED]}
    return {token for name in _NAME.findall(part) for token in tokenize(name)}


def another_subject(sentence: str, lines: Sequence[str], glue: Iterable[str]) -> str:
    """Return a verb after "which", "who" or "is" whose subject in the lines the sentence leaves out, or ""; English alone.

    "He is caught, which makes him laugh" cannot retell "he is caught, and his guards make him laugh", nor "worms are served"
    "worms crawl over the meat served".
    """
    skip, said = set(glue), set(tokenize(sentence))
    for match in _RELATIVE.finditer(sentence):
        word = match[1] or match[2] or match[3]
        verb = next(iter(tokenize(word)), "")
        if not verb or verb in skip or any(match[0].lower() in line.lower() for line in lines):
            continue
        for line in lines:
            tokens = [token for token in tokenize(line) if token not in skip]
            if verb in tokens:
                place = tokens.index(verb)
                if place and tokens[place - 1] not in said:
                    return word
                break
    return ""


def unqualified(sentence: str, lines: Sequence[str], glue: Iterable[str], language: Language) -> str:
    """Return a qualification of the lines ("wants to", 想) whose matter the sentence tells without it, or ""."""
    modal = load_cues(language).modal
    kept = {_stem(match[0], language) for match in modal.finditer(sentence)}
    told, skip = set(tokenize(sentence)), set(glue)
    if not sentence.rstrip("”").endswith(("?", "？")):
        for line in lines:
            others = set(tokenize(" ".join(other for other in lines if other != line)))
            if line.rstrip("”").endswith(("?", "？")) and (set(tokenize(line)) - others - skip) & told:
                return line[-1]
    text = "\n".join(lines)
    for match in modal.finditer(text):
        if _stem(match[0], language) not in kept:
            end = _SCOPE_END[language].search(text, match.end())
            scope = text[match.end() : end.start() if end else len(text)]
            elsewhere = set(tokenize(text[: match.start()] + "\n" + (text[end.start() :] if end else "")))
            own = {t for t in tokenize(scope) if t not in skip and (language == "en" or len(t) > 1)} - elsewhere
            if own & told:
                return match[0]
    return ""


def _stem(word: str, language: Language) -> str:
    return word if language == "zh" else word.lower()[:3]


def dropped_name(sentence: str, text: str) -> str:
    """Return a capitalised name of a text between the words that a sentence takes from it, but not in the sentence.

    What the name does would be said of somebody else. Names at the beginning of a sentence of the text count too; Chinese has
    no capitals, and so no such check.
    """
    words = [(match[0], match.start()) for match in _LATIN_WORD.finditer(text)]
    said = {word.lower() for word in _LATIN_WORD.findall(sentence)}
    often = Counter(word.lower() for word, _ in words)
    used = [n for n, (word, _) in enumerate(words) if word.lower() in said and often[word.lower()] == 1 and tokenize(word)]
    if not used:
        return ""
    for place in range(used[0], used[-1] + 1):
        word, start = words[place]
        if word[0].isupper() and word.lower() not in said and _may_act(text, words, place, start, said):
            return word
    return ""


def _may_act(text: str, words: Sequence[tuple[str, int]], place: int, start: int, said: Collection[str]) -> bool:
    """Whether a capitalised word of a text may be the one who does what follows, and not what a word that is said describes."""
    word = words[place][0]
    first = place  # of the words of a name: "General Leslie Groves", "New Jersey"
    while first and words[first - 1][0][0].isupper() and text[words[first - 1][1] + len(words[first - 1][0])] == " ":
        first -= 1
    before = words[first - 1][0].lower() if first else ""
    after = words[place + 1][0] if place + 1 < len(words) else ""
    if (before in _DETERMINERS and after.islower()) or before in said:  # "a Swiss officer"; "private eye Sam Spade"
        return False
    if text[start + len(word) : start + len(word) + 1] in tuple(".;!?") and _PREPOSITIONS & _lower(words, first):
        return False  # "on orders from triad boss Sam."
    opens = start == 0 or text[:start].rstrip()[-1:] in tuple(".!?:")
    again = any(other == word and at != start and text[:at].rstrip()[-1:] not in tuple(".!?") for other, at in words)
    beside = text[start + len(word) : start + len(word) + 1] == "," or word.endswith(("'s", "’s"))
    return not beside and before not in _PREPOSITIONS and (not opens or again) and len(word) > 2


def _lower(words: Sequence[tuple[str, int]], place: int) -> set[str]:
    """The lower-case words right before a place, three at most."""
    found: set[str] = set()
    for word, _ in reversed(words[max(place - 3, 0) : place]):
        if not word.islower():
            break
        found.add(word)
    return found
