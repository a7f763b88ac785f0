"""What stands around a title in a message that is typed in haste: "have you seen it follows", "get out was good"."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Words that carry a sentence: a title made of them alone says nothing by itself.
FUNCTION = frozenset(
    (
        "a about after again all also am an and any are as at back be because been before being both but by can come "
        "could did do does doing dont down each even ever few for from get gets getting go goes going got had has have "
        "having he her here hers him his how i if im in into is it its just know let lets like look make may me mine more "
        "most much must my no none not nothing now of off oh ok on once one ones only or other others our out over own "
        "same see she should so some something still such take than thank thanks that thats the their them then there "
        "these they thing things this those thought through to today tonight too two under until up upon us very want was "
        "watch we well were what whatever when where which while who whole why will with would yes yet you your yours "
        "anything everything everyone someone time good great nice best better bad fun love hope right way sure maybe "
        "yeah really first last next new old people actually loved liked awesome perfect excellent hello hi hey haven lo "
        "lol"
    ).split()
)
_VIEWED = (
    r"seen|saw|watch(?:ed|ing)?|rewatch(?:ed|ing)?|liked|loved|enjoyed|hated|disliked|recommend(?:ed)?|suggest(?:ed)?|heard of|"
    r"called|named|titled|have you read|finished|started"
)
_OFFERED = (
    r"how about|what about|(?:copy|dvd|feel) of|"
    r"(?:(?:i|we)['’]?ve|have) got|check(?:ed|ing)? out|try|such as|similar to|as good as|sequel to|remake of|original|"
    r"look(?:ing)? into|"
    r"favou?rites?(?: (?:is|are|was|were))?|(?:see|own|rented|download(?:ed)?)|(?:think|thought) (?:of|about)"
)
_WEAK = (
    r"and|or|like|likes|love|loves|enjoy|also|then|is|was|are|were|maybe|than|but|yes|yeah|ok|think|even|just|about|in|either|"
    r"both|haven'?t|of|oh|well|no|sorry|not|remember|mean|by"
)
_AFTER_VERB = re.compile(
    r"\s+(?:is|was|are|were|isn'?t|wasn'?t|did|didn'?t|has|had|with|starring|stars|looks?|looked|sounds?|by|from|which|because|though|have"
    r" you|series|franchise|trilogy|might|would|should|will)\b",
    re.IGNORECASE,
)
_AFTER_END = re.compile(
    r"\W*$|\s*[.,!?;:&/)\n]|\s+(?:and|or|but|too|as well|also|yet|if|lol|already|recently|again|i|it|that|before|though|last|"
    r"a few|yesterday|because|so|at|on (?:dvd|blu-?ray|tape|my|the)|w|twice|when|years|ages|once)\b",
    re.IGNORECASE,
)
_HAN_SAID = re.compile(r"(?:我|我也|早就|已经|都)?(?:看过|看了|怎么样|好看|不错|很棒|太棒|讲的?是?什么)")
_HAN_START = re.compile(r"(?:^|[，。！？；、,.!?;\s和跟])$")
# what names are put between: 像…一样, 跟…和…哪个, 看过…
_HAN_NEAR = re.compile(
    r"(?:^|[，。！？；、,.!?;\s：:]|像|类似|就看|想看|先看|再看|跟|和|与|同|比|对|看过?了?|刷过?了?|喜欢|讨厌|爱|要是|不如|还是|摆着|有)$"
)
_HAN_NEXT = re.compile(
    r"\s*(?:那样|那种|这样|这种|一样|似的|差不多|一个|短|长|老|新|早|晚|轻松|更|还|对比|跟|和|与|同|比|还是|哪|谁|、|[，。！？；,.!?;]|$|的碟|我|太|也|都"
    r"|嘛|吧|吗|呢|了|看|好看|讲|是|有多|多|催|封神)"
)
_HAN_AFTER = r"(?:$|[^\w\u3400-\u9fff]|[吗呢吧啊呀嘛么]|怎么样|是谁|很|也|就|挺|这部|那部|我|和|跟|或)"


class Context:
    """Signs around a stretch of text that a title stands there, with the domain's words for its things."""

    def __init__(self, nouns: Iterable[str], asked: Iterable[str]) -> None:
        """Take what the things are called and what is asked about them, in any language."""
        nouns, asked = sorted({*nouns} - {""}, key=len, reverse=True), sorted({*asked} - {""}, key=len, reverse=True)
        noun = "|".join(re.escape(word) for word in nouns)
        kind = rf"(?:the |a |an |that |this )?(?:{noun})s?(?: (?:like|is|are|was|were|called|named))?"
        lead = r"(?:the |a |an |both |either |this |that )?"
        self._viewed = re.compile(rf"(?:\b(?:{_VIEWED}|{kind}))\s+(?:{kind}\s+)?{lead}$", re.IGNORECASE)
        self._offered = re.compile(rf"\b(?:{_OFFERED})\s+(?:{kind}\s+)?{lead}$", re.IGNORECASE)
        self._weak = re.compile(rf"(?:^\W*|[.,!?;:&/)\n]\s*|\b(?:{_WEAK})\s+{lead})$", re.IGNORECASE)
        self._noun_after = re.compile(rf"\s+(?:{noun})s?\b", re.IGNORECASE)
        self._han_noun = re.compile(rf"(?:{noun})$")
        self._han_lead = re.compile(r"(?:看过?了?|看看|推荐|演的|叫做?|名叫|一部|这部|那部|喜欢|知道|要说|那|这)$")
        about = "|".join(re.escape(word) for word in asked) or "(?!)"
        self._han_after = re.compile(rf"{_HAN_AFTER}|的?(?:{about})")

    def strength(self, text: str, start: int, end: int) -> int:
        """3: a verb of seeing or the noun before and an end after. 2: a verb that offers. 1: an end on both sides. 0: none."""
        before = text[max(0, start - 60) : start]
        after = bool(_AFTER_END.match(text, end) or _AFTER_VERB.match(text, end) or self._noun_after.match(text, end))
        if not after:
            return 0
        if self._viewed.search(before):
            return 3
        return 2 if self._offered.search(before) else int(bool(self._weak.search(before)))

    def follows_verb(self, text: str, end: int) -> bool:
        """Whether a verb follows that says something of a title ("… was good")."""
        return bool(_AFTER_VERB.match(text, end) or self._noun_after.match(text, end))

    def han_strength(self, text: str, start: int, end: int) -> int:
        """2: the noun before a Chinese name and an end after it; 1: a verb or nothing before it, and an end; 0: none."""
        before = text[max(0, start - 12) : start]
        if _HAN_NEAR.search(before) and _HAN_NEXT.match(text, end):
            return 2
        if not self._han_after.match(text, end) and not _HAN_SAID.match(text, end):
            return 0
        if _HAN_SAID.match(text, end) and _HAN_START.search(before):
            return 1
        if self._han_noun.search(before):
            return 2
        return int(bool(self._han_lead.search(before)))
