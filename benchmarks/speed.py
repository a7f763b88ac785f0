"""Speed on this machine, each figure beside a baseline measured in the same run: ``python -m benchmarks.speed``.

Prints a table and, with ``--json FILE``, writes the figures. Nothing here passes or fails: load on the machine changes times,
ratios stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app import open_pipeline
from chatbot.catalogues import find_catalogue
from chatbot.embedding import build_embedder
from chatbot.settings import Settings, go_offline

MESSAGES = [
    "I loved Interstellar and Arrival; something quieter and thoughtful, no horror",
    "我很喜欢《星际穿越》和《降临》，想看安静一点、引人思考的，不要恐怖片",
    "Korean thrillers after 2010",
    "轻松的爱情喜剧，两小时以内",
    "something funny for my kids, nothing scary",
    "九十年代的香港电影，浪漫一点",
]
ROUNDS = 3


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def bench_index(settings: Settings) -> dict[str, float]:
    """Cards a second of a whole index build, against the bare embedder on the same cards in the same batches."""
    from retrieval.catalog import read_catalog
    from retrieval.embedder import BATCH
    from retrieval.index_build import build_index

    catalogue = find_catalogue(settings, None)
    domain = catalogue.domain
    embedder = build_embedder(settings)
    items = list(read_catalog(catalogue.path, domain))
    cards = [domain.write_card(item, language) for item in items for language in domain.card_languages]
    embedder.embed_items(cards[:BATCH])
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(ROUNDS):
        bare.append(timed(lambda: embedder.embed_items(cards)))
        with tempfile.TemporaryDirectory() as folder:
            whole.append(timed(lambda path=folder: build_index(domain, catalogue.path, embedder, Path(path))))
    rates = len(cards) / statistics.median(bare), len(cards) / statistics.median(whole)
    return {"bare_embedder_cards_per_s": rates[0], "index_cards_per_s": rates[1], "index_ratio": rates[1] / rates[0],
            "index_seconds": statistics.median(whole)}  # fmt: skip


def bench_retrieval(pipeline: Any, messages: list[str]) -> dict[str, float]:
    """Milliseconds of understanding and retrieval, without a model."""
    from chatbot.types import Conversation, Profile

    times: list[float] = []
    reading: list[float] = []
    for n in range(20 * len(messages)):
        turn = pipeline.complete(messages[n % len(messages)], Conversation(f"r{n}", "bench"), Profile("bench"), items_only=True)
        times.append(turn.timings_ms["retrieve"])
        reading.append(turn.timings_ms["understand"])
    return {
        "understanding_p50_ms": statistics.median(reading),
        "retrieval_p50_ms": statistics.median(times),
        "retrieval_p95_ms": percentile(times, 0.95),
    }


def bench_turns(pipeline: Any, messages: list[str]) -> dict[str, float]:
    """Seconds until the first card, the first words of a reason and the end, over whole turns."""
    from chatbot.types import Conversation, Profile

    first_card: list[float] = []
    first_word: list[float] = []
    total: list[float] = []
    by_model = reasons = 0
    for n, message in enumerate(messages):
        turn = pipeline.complete(message, Conversation(f"t{n}", "bench"), Profile("bench"))
        first_card.append(turn.timings_ms["first_card"] / 1000)
        first_word.append(turn.timings_ms["first_token"] / 1000)
        total.append(turn.timings_ms["total"] / 1000)
        reasons += len(turn.items)
        by_model += sum(item.reasons[0].written_by == "model" for item in turn.items if item.reasons)
    return {
        "first_card_s": statistics.median(first_card), "first_card_max_s": max(first_card),
        "first_word_s": statistics.median(first_word), "first_word_max_s": max(first_word),
        "reply_s": statistics.median(total), "reply_max_s": max(total),
        "sentences_by_model_share": by_model / reasons,
    }  # fmt: skip


def bench_decode(model: Any) -> dict[str, float]:
    """Tokens a second through our seam against the bare engine, alternating."""
    from chatbot.llm.base import Prompt

    prompt = Prompt("You are a storyteller.", "Tell a long story about a lighthouse keeper.")
    tokens = 96

    def ours() -> None:
        for _ in model.stream(prompt, max_tokens=tokens):
            pass

    def bare() -> None:
        model._server.handle_chat_completions(
            {"messages": prompt.messages(), "temperature": 0, "cache_prompt": True, "max_tokens": tokens}
        )

    if model.description["engine"] != "llama_cpp":
        return {"decode_tokens_per_s": tokens / timed(ours)}
    ours()
    times = [(timed(bare), timed(ours)) for _ in range(ROUNDS)]
    rates = [tokens / statistics.median(pair) for pair in zip(*times, strict=True)]
    return {"bare_decode_tokens_per_s": rates[0], "decode_tokens_per_s": rates[1], "decode_ratio": rates[1] / rates[0]}


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--engine", default="auto")
    arguments = parser.parse_args()
    go_offline()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data=Path(data), engine=arguments.engine)
        figures: dict[str, Any] = {"machine": f"{os.cpu_count()} cores, {platform.machine()}"}
        figures |= bench_index(settings)
        started = time.perf_counter()
        with open_pipeline(settings, find_catalogue(settings, None)) as pipeline:
            figures["load_s"] = time.perf_counter() - started
            figures |= bench_retrieval(pipeline, MESSAGES)
            figures |= bench_turns(pipeline, MESSAGES)
            figures |= bench_decode(pipeline.model)
    figures["peak_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    for name, value in figures.items():
        print(f"{name:28} {value:.3f}" if isinstance(value, float) else f"{name:28} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
