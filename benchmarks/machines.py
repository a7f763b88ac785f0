"""How many machines a number of people come to: the arithmetic of :mod:`benchmarks.sizing`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

BEGIN, END = "<!-- sizing: written by benchmarks.sizing -->", "<!-- /sizing -->"


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is not measured here, and has to be said of one's own service.

    Attributes:
        people: who have an account.
        active: the share of them who come on a day.
        turns: of somebody who comes, a day.
        lists: requests for a list without text, of somebody who comes, a day.
        peak: how many times the mean rate the busiest moment has.
        busy: the share of a machine's cores that is planned with; the rest is for bursts and for a machine that is missing.
        cores: of a machine.
        memory_gb: of a machine.
        items: of the catalogue.
        gpu_read: tokens a second that a model server on one GPU reads when many people wait.
        gpu_written: tokens a second that it writes.
        keep_days: how long turns are kept.
    """

    people: int = 1_000_000
    active: float = 0.10
    turns: float = 5
    lists: float = 10
    peak: float = 4
    busy: float = 0.6
    cores: int = 16
    memory_gb: float = 64
    items: int = 100_000
    gpu_read: float = 20_000
    gpu_written: float = 2_000
    keep_days: int = 365


def work_out(figures: dict[str, float], assumed: Assumed) -> list[tuple[str, str, float, str]]:
    """Return the steps from figures to machines: what, how, how much, and of what."""
    a, f = assumed, figures
    active = a.people * a.active
    turns = active * a.turns / 86_400 * a.peak
    lists = active * a.lists / 86_400 * a.peak
    app_cores = turns * f["turn_cpu_s"] + lists * f["list_cpu_s"]
    processes = math.ceil(app_cores / a.busy) + 1
    process_mb = f["process_mb"] + f["process_mb_per_10k"] * a.items / 10_000
    model_cores = turns * f["model_cpu_s"]
    read, written = turns * f["tokens_read"], turns * f["tokens_written"]
    gpus = math.ceil((read / a.gpu_read + written / a.gpu_written) / a.busy) + 1
    chroma_gb = (f["chroma_mb"] + f["chroma_mb_per_10k"] * a.items / 10_000) / 1000
    kept = active * a.turns * a.keep_days * f["kept_bytes"] / 1e9
    by_memory = processes * process_mb / 1000 / (a.memory_gb * a.busy)
    machines = math.ceil(max(processes / a.cores, by_memory)) + 1
    each = f"{a.cores} cores x {a.busy:.0%}"
    return [
        ("people on a day", f"{a.people:,} people x {a.active:.0%}", active, "people"),
        ("turns at the peak", f"{active:,.0f} x {a.turns:g} / 86,400 s x {a.peak:g}", turns, "a second"),
        ("lists without text at the peak", f"{active:,.0f} x {a.lists:g} / 86,400 s x {a.peak:g}", lists, "a second"),
        (
            "cores for the app",
            f"{turns:.1f} x {f['turn_cpu_s']:.3f} s + {lists:.1f} x {f['list_cpu_s']:.3f} s",
            app_cores,
            "cores",
        ),
        ("app processes, of one core each", f"{app_cores:.1f} / {a.busy:.0%}, and one to spare", processes, "processes"),
        (
            "memory of an app process",
            f"{f['process_mb']:,.0f} MB + {f['process_mb_per_10k']:,.0f} MB x {a.items:,} / 10,000 items",
            process_mb / 1000,
            "GB",
        ),
        (
            "app machines",
            f"the larger of {processes} / {a.cores} cores and {processes} x {process_mb / 1000:.2f} GB / ({a.memory_gb:g} GB x "
            f"{a.busy:.0%}), and one to spare",
            machines,
            "machines",
        ),
        ("tokens read at the peak", f"{turns:.1f} x {f['tokens_read']:.0f}", read, "a second"),
        ("tokens written at the peak", f"{turns:.1f} x {f['tokens_written']:.0f}", written, "a second"),
        (
            "GPUs for the model",
            f"({read:,.0f} / {a.gpu_read:,.0f} + {written:,.0f} / {a.gpu_written:,.0f}) / {a.busy:.0%}, and one to spare",
            gpus,
            "GPUs",
        ),
        (
            "or machines without a GPU, the model measured here",
            f"{turns:.1f} x {f['model_cpu_s']:.1f} s / ({each}), and one to spare",
            math.ceil(model_cores / (a.cores * a.busy)) + 1,
            "machines",
        ),
        (
            "memory of the Chroma server",
            f"{f['chroma_mb']:,.0f} MB + {f['chroma_mb_per_10k']:,.0f} MB x {a.items:,} / 10,000 items",
            chroma_gb,
            "GB",
        ),
        (
            "turns kept in PostgreSQL",
            f"{active:,.0f} x {a.turns:g} x {a.keep_days} days x {f['kept_bytes'] / 1000:.1f} kB",
            kept,
            "GB",
        ),
    ]


def text_of(result: dict[str, Any], assumed: Assumed) -> str:
    """Write what was measured, assumed and worked out as Markdown."""
    f, where = result["figures"], result["measured on"]
    lines = [
        BEGIN,
        "",
        f"Measured by `python -m benchmarks.sizing` on {where['cores']} cores ({where['machine']}), with the model "
        f"{result['model']} on llama.cpp and the default embedder; the means of {result['turns']} turns and "
        f"{result['lists']} lists.",
        "",
        "| Measured | |",
        "|---|---|",
        f"| a turn, the app's own | {f['turn_cpu_s']:.3f} CPU s |",
        f"| a turn, the model's (a server on CPUs) | {f['model_cpu_s']:.1f} CPU s |",
        f"| a turn, tokens that the model reads (cached prefixes left out) and writes | {f['tokens_read']:.0f} and "
        f"{f['tokens_written']:.0f} |",
        f"| a list without text | {f['list_cpu_s']:.3f} CPU s |",
        f"| an app process with the demo catalogue; of it the embedder | {f['process_mb']:,.0f} MB; "
        f"{f['embedder_mb']:,.0f} MB |",
        f"| and for each 10 thousand items | {f['process_mb_per_10k']:,.0f} MB |",
        f"| the Chroma server; and for each 10 thousand items | {f['chroma_mb']:,.0f} MB; {f['chroma_mb_per_10k']:,.0f} MB |",
        f"| a turn as it is kept | {f['kept_bytes'] / 1000:.1f} kB |",
        "",
        "| Assumed | |",
        "|---|---|",
        *(f"| {name} | {f'{value:.0%}' if value < 1 else f'{value:,}'} |" for name, value in _named(assumed).items()),
        "",
        "| Worked out | How | |",
        "|---|---|---|",
        *(f"| {what} | {how} | {_short(number)} {unit} |" for what, how, number, unit in work_out(f, assumed)),
        "",
        END,
    ]
    return "\n".join(lines)


def _named(assumed: Assumed) -> dict[str, float]:
    said = {
        "people": "people with an account",
        "active": "of them come on a day",
        "turns": "turns of somebody who comes, a day",
        "lists": "lists without text of somebody who comes, a day",
        "peak": "times the mean rate at the busiest moment",
        "busy": "of the cores and the memory are planned with",
        "cores": "cores of a machine",
        "memory_gb": "GB of memory of a machine",
        "items": "items of the catalogue",
        "gpu_read": "tokens a second that one GPU reads (measure yours: `vllm bench serve`)",
        "gpu_written": "tokens a second that one GPU writes",
        "keep_days": "days that turns are kept (`ZHIYIN_KEEP_DAYS`)",
    }
    return {said[name]: value for name, value in asdict(assumed).items()}


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def put_into(document: str, text: str) -> str:
    """Return a document with the part between the marks replaced.

    Raises:
        ValueError: it has no such part.
    """
    if BEGIN not in document or END not in document:
        raise ValueError(f"the document has no part between {BEGIN} and {END}")
    head, _, rest = document.partition(BEGIN)
    return head + text + rest.partition(END)[2]
