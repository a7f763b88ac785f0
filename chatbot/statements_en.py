"""What English lets a sentence get wrong with the right words: who does it, and of whom something is said. Pure functions.

Most functions take a sentence and the text that it retells, and return the words that are wrong, or "".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from chatbot.cues import load_cues
from retrieval.lexical import tokenize

NAME = re.compile(r"\b[A-Z][\w'’-]*")
_RELATIVE = re.compile(r"\b(?:(?:which|who|that)\s+(\w+)|(?:is|are|was|were)\s+(\w+(?:ed|en|wn|ught)))\b|,\s+(\w+ing)\b")
_APPOSED = re.compile(r"(?P<name>[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)*), (?P<what>[^,;.]+)(?:,|\.$)")
_DOER = re.compile(r"\b(?i:an?|the|his|her|their|its|one|two)(?: [a-z-]+){0,3}? (?P<noun>[a-z-]+) (?P<verb>[a-z-]*[a-rt-z]s)\b")
_ADVERB = re.compile(r"\w+ly|soon|then|now|never|still|also|often|always|only|just|even|once|who|that|and|or|but")
_ARTICLE, _LIST = re.compile(r"(?:an?|the)\b"), re.compile(r",?\s+(?:and|or)\b")
_JOINED = re.compile(r"^(?:(?:and|but|while|then|so|or|until|because|when)\s+)+")
_SUBJECT = re.compile(r"(?:an?|the|his|her|their|its|he|she|they|it|who|which|where|whose)\b|[A-Z]")
_PLACE = re.compile(r"(?:outside|inside|in|on|at|from|with|after|before|during|behind|under|over|near|by|through|into|for)\b")
_NAMED = frozenset(tokenize("called named"))  # "an official called Nameless"
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÿ][\w'’-]*")
_PREPOSITIONS = frozenset("of to with for by from in on at near called named into over under across through against".split())
_DETERMINERS = frozenset("a an the this that these those her his its their one two three four five six seven".split())


def wrong_role(sentence: str, lines: Sequence[str], glue: Iterable[str]) -> str:
    """Return why a sentence is not shown that says something of the wrong one, or "".

    Args:
        sentence: whose words all stand in the lines.
        lines: the sentences of the description that it retells.
        glue: tokens that need no source.
    """
    text = " ".join(lines)
    if what := unlike(sentence, text):
        return f"not said of that name: {what}"
    if noun := headless(sentence, text):
        return f"told of a part of the noun: {noun}"
    if verb := another_subject(sentence, lines, glue):
        return f"somebody else's: {verb}"
    return ""


def as_told(sentence: str, text: str) -> str:
    """Put what is said after a name before it, where the text has it right there: "Munny, a pig farmer," -> "pig farmer Munny".

    Both say the same, and so the rest can be held against the text word by word.
    """
    for match in appositions(sentence, text):
        if match[0] not in text:
            sentence = sentence.replace(match[0], f"{match['what']} {match['name']}", 1)
    return sentence


def with_articles(sentence: str, text: str) -> str:
    """Give nouns back the article that they have in the text: "Canadian arrived at New York studio".

    An "a" is given back where the text never has the word without one, a "the" only before the same two words.
    """
    parts: list[str] = []
    last = 0
    for match in _LATIN_WORD.finditer(sentence):
        before = sentence[: match.start()].rstrip()
        bare = not before or before[-1] in ",;:" or before.split()[-1].lower() in _PREPOSITIONS | {"and", "or", "but"}
        article = _article_of(match[0], sentence[match.end() :], text) if bare else ""
        if article:
            own = re.search(rf"(?i:\b{re.escape(article)} )({re.escape(match[0])})\b", text, re.IGNORECASE)
            parts += [
                sentence[last : match.start()],
                article if before else article.capitalize(),
                " ",
                own[1] if own else match[0],
            ]
            last = match.end()
    return "".join(parts) + sentence[last:]


def _article_of(word: str, rest: str, text: str) -> str:
    """The article that a word has in a text wherever it stands, or "the" where the same word follows; "" for none."""
    found = list(re.finditer(rf"(?:\b(an?|the) )?(?<![\w'’-]){re.escape(word)}(?![\w'’-])", text, re.IGNORECASE))
    if not found or any(m[1] is None for m in found):
        return ""
    articles = {m[1].lower() for m in found}
    if "the" not in articles:
        return articles.pop() if len(articles) == 1 else ""
    following = _LATIN_WORD.match(rest.lstrip())
    same = not following or any(re.match(rf"\s{re.escape(following[0])}\b", text[m.end() :]) for m in found)
    return "the" if articles == {"the"} and same else ""


def appositions(sentence: str, text: str) -> list[re.Match[str]]:
    """What a sentence says of a name between commas, and the text right before or after that name."""
    found: list[re.Match[str]] = []
    for match in _APPOSED.finditer(sentence):
        before = tokenize(re.split(r"[.;!?]", text[: max(text.find(match["name"]), 0)])[-1])
        while before and before[-1] in _NAMED:
            before.pop()
        what = tokenize(match["what"])
        if match[0] in text or (what and before[-len(what) :] == what):
            found.append(match)
    return found


def unlike(sentence: str, text: str) -> str:
    """Return what a sentence says of a name ("Martins, a witness,") and the text does not say of it, or "".

    The text says it right before the name, or between commas after it, where words may be left out.
    """
    proved = [match.start() for match in appositions(sentence, text)]
    for match in _APPOSED.finditer(sentence):
        if match.start() in proved or not _ARTICLE.match(match["what"]) or _LIST.match(sentence, match.end()):
            continue
        own = re.search(re.escape(match["name"]) + r", (?=an?\b|the\b)([^,.;]+)", text)
        words = iter(tokenize(own[1]) if own else [])
        if not all(token in words for token in tokenize(match["what"])):
            return match["what"]
    return ""


def headless(sentence: str, text: str) -> str:
    """Return a noun that a sentence makes the doer of what the longer noun of the text does, or "".

    "A spaceship set rises" is no "spaceship rises"; an adverb may be left out.
    """
    for match in _DOER.finditer(sentence):
        noun, verb = re.escape(match["noun"]), re.escape(match["verb"])
        found = re.search(rf"\b{noun} ([a-z-]+) {verb}\b", text)
        if found and not _ADVERB.fullmatch(found[1]) and f"{match['noun']} {match['verb']}" not in text:
            return match["noun"]
    return ""


def another_subject(sentence: str, lines: Sequence[str], glue: Iterable[str]) -> str:
    """Return a verb after "which", "who" or "is", or a participle, whose subject in the lines the sentence leaves out, or "".

    "He is caught, which makes him laugh" cannot retell "he is caught, and his guards make him laugh", nor "worms are served"
    "worms crawl over the meat served".
    """
    skip, said = set(glue), set(tokenize(sentence))
    for match in _RELATIVE.finditer(sentence):
        word = match[1] or match[2] or match[3]
        verb = next(iter(tokenize(word)), "")
        if not verb or (verb in skip and not match[3]) or any(match[0].lower() in line.lower() for line in lines):
            continue
        for line in lines:
            tokens = [token for token in tokenize(line) if token == verb or token not in skip]
            if verb in tokens:
                place = tokens.index(verb)
                if place and tokens[place - 1] not in said:
                    return word
                break
    return ""


def has_subject(part: str, line: str, before: Collection[str]) -> bool:
    """Whether a statement that leaves the last line says who does it, or its own line means who did the last thing.

    "A cook robs a bank, runs off" must not retell "A cook robs a bank. A stranger runs off."
    """
    part = _JOINED.sub("", part)
    if _SUBJECT.match(part) or (tokenize(part)[:1] == tokenize(line)[:1] and not _PLACE.match(part)):
        return True
    if load_cues("en").pronoun.match(line):
        return True
    named = NAME.match(line)
    who = tokenize(named[0]) if named and not named[0].endswith(("'s", "’s")) else []
    return bool(who) and set(who) <= set(before)


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
