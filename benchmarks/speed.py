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
from collections.abc import Callable, Mapping
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
    """Seconds until the first card, the first words of a reason, the first sentence of a description and the end."""
    from chatbot.types import Conversation, Profile

    usage = getattr(pipeline.model, "usage", {})
    before = dict(usage)
    turns = [pipeline.complete(message, Conversation(f"t{n}", "bench"), Profile("bench")) for n, message in enumerate(messages)]
    figures: dict[str, float] = {}
    for name, timing in (
        ("first_card", "first_card"), ("first_word", "first_token"), ("first_sentence", "first_sentence"), ("reply", "total")
    ):  # fmt: skip
        seconds = [turn.timings_ms[timing] / 1000 for turn in turns]
        figures |= {f"{name}_s": statistics.median(seconds), f"{name}_max_s": max(seconds)}
    told = [next((r for r in item.reasons if "card.summary" in r.sources), None) for turn in turns for item in turn.items]
    figures["sentences_by_model_share"] = sum(reason is not None and reason.written_by == "model" for reason in told) / len(
        told
    )
    spent = {name: usage[name] - before.get(name, 0) for name in usage}
    if spent.get("read"):
        figures["prompt_tokens_cached_share"] = spent["cached"] / (spent["cached"] + spent["read"])
        figures["prompt_tokens_read_a_reply"] = spent["read"] / len(turns)
        figures["tokens_written_a_reply"] = spent["written"] / len(turns)
    return figures


def bench_together(pipeline: Any, messages: list[str], count: int = 4) -> dict[str, float]:
    """Four conversations at once: seconds until all are answered, against the same one after the other."""
    from concurrent.futures import ThreadPoolExecutor

    from chatbot.types import Conversation, Profile

    def answer(numbered: tuple[int, str]) -> float:
        number, message = numbered
        return timed(lambda: pipeline.complete(message, Conversation(f"four-{number}", "bench"), Profile("bench")))

    asked = list(enumerate(messages[:count]))
    alone = timed(lambda: [answer(each) for each in asked])
    with ThreadPoolExecutor(count) as pool:
        slowest: list[float] = []
        together = timed(lambda: slowest.extend(pool.map(answer, asked)))
    return {"four_alone_s": alone, "four_at_once_s": together, "four_at_once_ratio": together / alone,
            "four_at_once_slowest_s": max(slowest)}  # fmt: skip


def bench_plain(pipeline: Any, messages: list[str], ours: Mapping[str, float]) -> dict[str, float]:
    """The plain way in the same run: all candidates in one prompt, the same model; and how much longer it takes."""
    from benchmarks.explanations.free import answer
    from chatbot.types import Conversation, Profile

    first, total = [], []
    for n, message in enumerate(messages):
        turn = pipeline.complete(message, Conversation(f"p{n}", "bench"), Profile("bench"), items_only=True)
        reply = answer(pipeline.model, pipeline.index.domain, list(turn.candidates[:10]), message, turn.request.language)
        first.append(reply.first_word_s)
        total.append(reply.total_s)
    figures = {"plain_first_word_s": statistics.median(first), "plain_reply_s": statistics.median(total)}
    return figures | {"plain_reply_ratio": figures["plain_reply_s"] / ours["reply_s"]}


def bench_cancel(model: Any) -> dict[str, float]:
    """Milliseconds from a cancel to the end of the stream, while a long prompt is read and while text is written."""
    import threading

    from chatbot.llm.base import Prompt

    def stop_after(prompt: Prompt, seconds: float) -> float:
        cancel = threading.Event()
        stopped: list[float] = []

        def stop() -> None:
            stopped.append(time.perf_counter())
            cancel.set()

        timer = threading.Timer(seconds, stop)
        timer.start()
        for _ in model.stream(prompt, max_tokens=300, cancel=cancel):
            pass
        timer.join()
        return 1000 * (time.perf_counter() - stopped[0])

    story = "Tell a very long story about a lighthouse keeper."
    writing = stop_after(Prompt("", story), 3.0)
    time.sleep(2)  # the engine ends what nobody waits for
    words = " ".join(f"{n} sheep jumped over the fence." for n in range(130))
    return {"cancel_writing_ms": writing, "cancel_reading_ms": stop_after(Prompt("", words + story), 1.0)}


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
    parser.add_argument("--plain", type=int, default=4, help="wishes that are also answered the plain way")
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
            figures |= bench_together(pipeline, MESSAGES)
            figures |= bench_plain(pipeline, MESSAGES[: arguments.plain], figures)
            figures |= bench_cancel(pipeline.model)
    figures["peak_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    for name, value in figures.items():
        print(f"{name:28} {value:.3f}" if isinstance(value, float) else f"{name:28} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
