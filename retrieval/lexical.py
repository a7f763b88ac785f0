"""BM25 over item cards (bm25s), with stemmed English words and segmented Chinese ones (rjieba)."""

from __future__ import annotations

import importlib
import json
import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
# Words that carry no wish. English is stemmed after this test.
_STOP = frozenset(
    """
    a an the and or but of to in on at for with without by from as is are was were be been it its this that these
    those i me my you your we he she they them his her their what which who how do does did have has had can could
    would should will just some something anything any more most very really too also so not no nor don t s m re
    ve ll want like love loved liked looking look find recommend recommendation suggest watch see show give
    tonight please
    """.split()
)
_STOP_ZH = frozenset(
    """
    的 了 和 是 在 我 你 他 她 它 们 我们 你们 有 没有 想 要 想要 想看 看 看看 一部 一个 部
    个 推荐 来 点 一点 请 给 可以 吗 呢 吧 啊 什么 那种 那样 这样 这种 比较 有点 不 不要 很
    喜欢 类似 像 也 都 就 还 最近 今晚 适合 关于
    """.split()
)


def tokenize(text: str) -> list[str]:
    """Split text into search tokens: folded, stop words dropped, English stemmed, Chinese as words."""
    stem: Any = _stemmer().stemWord
    jieba: Any = importlib.import_module("rjieba")
    tokens: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        if _HAN.match(run):
            tokens += [word for word in jieba.cut_for_search(run) if word not in _STOP_ZH]
        else:
            word = "".join(c for c in unicodedata.normalize("NFD", run.lower()) if not unicodedata.combining(c))
            if word not in _STOP:
                tokens.append(stem(word))
    return tokens


@cache
def _stemmer() -> Any:
    return importlib.import_module("Stemmer").Stemmer("english")


class LexicalIndex:
    """A BM25 index over documents with string ids."""

    def __init__(self, ids: Sequence[str], bm25: Any) -> None:
        """Wrap a built index; use :meth:`build` or :meth:`load`."""
        self._ids, self._bm25 = list(ids), bm25

    @classmethod
    def build(cls, ids: Sequence[str], documents: Iterable[str]) -> LexicalIndex:
        """Index documents. At least one is needed."""
        library: Any = importlib.import_module("bm25s")
        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it prints every step otherwise
        bm25: Any = library.BM25(method="lucene")
        bm25.index([tokenize(document) or ["\0"] for document in documents], show_progress=False)
        return cls(ids, bm25)

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._bm25.save(str(folder), show_progress=False)
        (folder / "ids.json").write_text(json.dumps(self._ids), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Read an index back."""
        bm25 = importlib.import_module("bm25s").BM25.load(str(folder), show_progress=False)
        return cls(json.loads((folder / "ids.json").read_text(encoding="utf-8")), bm25)

    @property
    def ids(self) -> Sequence[str]:
        """Of the documents, in the order of :meth:`all_scores`."""
        return self._ids

    def all_scores(self, text: str, ignore: str = "") -> NDArray[np.float32] | None:
        """Return (n,) BM25 scores, 0 without a common token; None when no word of the text counts, as those of ``ignore``."""
        said_anyway = set(tokenize(ignore))
        tokens = [token for token in tokenize(text) if token not in said_anyway]
        return np.asarray(self._bm25.get_scores(tokens), dtype=np.float32) if tokens else None

    def scores(self, text: str, ignore: str = "") -> dict[str, float]:
        """Return id -> BM25 score for the documents that share a token with the text; the words of ``ignore`` do not count."""
        scores = self.all_scores(text, ignore)
        return {} if scores is None else {self._ids[n]: float(scores[n]) for n in np.flatnonzero(scores > 0)}
