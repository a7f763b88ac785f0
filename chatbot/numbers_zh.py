"""Numbers in Chinese words, and what is put around them. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

DIGITS = {c: n for n, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "俩": 2, "仨": 3, "零": 0, "〇": 0}
DIGIT = "[一两俩仨二三四五六七八九]"
_TENS = f"(?:{DIGIT}?十{DIGIT}?|{DIGIT})"
_NUMBER = f"(?:{DIGIT}?百(?:零?{_TENS})?|{_TENS})"
NUM = rf"(?:\d+(?:\.\d+)?|{_NUMBER})"
LARGE = r"(?:\d[\d,]*(?:\.\d+)?\s*[千万]?(?!\d)|[零〇一两二三四五六七八九十百千万]+)"
NOT = r"(?:[也更]?(?:不要|不想看?|不看|[别甭]给?我?|别要|除了|排除|去掉|讨厌|拒绝|不喜欢)太?\s*[看推放选来弄整搞挑找]?荐?)"
NEVER = r"(?:不|别|勿|莫|甭)(?:能|要|可|得|该|许|准)?(?:再)?"
DENY = (  # what stands after it: "2000年以前的一律不要"
    r"的?老?片?子?的?(?:那?种|我|就|都|一律|一概|统统|通通|全部?|可|也|还是|请|绝对|坚决|真|实在|再?给我)*"
    r"(?:不(?:要|看|想看?|考虑|行|可以|收|碰|予考虑)|免了?|免谈|算了|pass|除外|排除|跳过|滚|拿走|刨掉|去掉|(?:受|吃|顶|扛|坐|熬)不(?:了|消|住)"
    r"|看不(?:动|下去|完|进去)|别(?:来|推荐?|给|放|要|看|选)?)(?:了|吧|啊|哈|哦|啦|哈)*(?=\s*(?:$|[，,。！？!?；;、]))"
)
TO = r"\s*(?:-|–|—|~|～|到|至|和|与|跟|、)\s*"

Found = tuple[str, str, int, int, int]  # kind, op, value, start, end


def large(text: str) -> float:
    """Read a number in digits, words or both, up to 99,999,999: 1.5万, 两千三, 三千零五十, 12000.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(r"[\d,]+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    for sign, worth in (("万", 10_000), ("千", 1000)):
        head, found_, rest = text.partition(sign)
        if found_:
            tail = rest.lstrip("零〇")
            short = len(rest) == 1 and rest in DIGITS and rest != "十"  # 两千三 is 2300, 一万二 12000
            return (large(head) if head else 1) * worth + (DIGITS[rest] * worth / 10 if short else large(tail) if tail else 0)
    return number(text)


def number(text: str) -> float:
    """Read a number in Chinese words, up to 999.

    Raises:
        ValueError: it is none.
    """
    if not text or any(c not in DIGITS and c != "百" for c in text):
        raise ValueError(f"no number: {text!r}")
    if "百" in text:
        hundreds, _, rest = text.partition("百")
        tail = number(rest.lstrip("零")) if rest.strip("零") else 0
        short = len(rest) == 1 and rest in DIGITS and rest != "十"  # 一百二 is 120, 一百零二 102
        return (DIGITS[hundreds] if hundreds else 1) * 100 + (10 * tail if short else tail)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (DIGITS[tens] if tens else 1) * 10 + (DIGITS[ones] if ones else 0)
    return DIGITS[text] if text in DIGITS else float("".join(str(DIGITS[c]) for c in text))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern, compiled once."""
    return re.compile(pattern, re.IGNORECASE)


def found(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Yield where a pattern stands in a text."""
    return compiled(pattern).finditer(text)


def read(text: str) -> float:
    """Read a number in digits or words."""
    return float(text) if text[0].isdigit() else number(text)
