"""Writes an audit as Markdown with plots."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatbot.auditing.measures import DEPTH, METRICS
from chatbot.auditing.run import SMALLEST, Audit, GroupRow
from retrieval.errors import missing
from retrieval.metrics import Gain

_FEW = 12  # groups of items that a table shows
_SCALE = {"ndcg": 100, "recall": 100, "miscalibration": 1, "popularity": 1, "tail": 100}


def write_report(audit: Audit, folder: Path, title: str, command: str) -> Path:
    """Write ``audit.md`` and its plots into a folder, which is made.

    Args:
        audit: what was found.
        folder: for the files.
        title: of the report.
        command: that made it.

    Raises:
        SettingsError: the package matplotlib is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# {title}",
        "",
        f"`{command}`",
        "",
        f"{audit.people} people, each with the last liked item hidden and {DEPTH} items recommended as the chat does where "
        "nothing is asked for. Means with 95 % intervals (bootstrap over people, fairlearn's MetricFrame); groups of fewer "
        f"than {SMALLEST} people are left out. The largest difference among groups is above 0 also where there is none: see "
        "the lower end of its interval.",
    ]
    for column in dict.fromkeys(row.column for row in audit.rows):
        lines += _people(audit, column, folder)
    for facet, groups in audit.exposure.items():
        lines += _items(facet, groups)
    lines += _calibration(audit)
    path = folder / "audit.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _people(audit: Audit, column: str, folder: Path) -> list[str]:
    rows = [row for row in audit.rows if row.column == column]
    groups = list(dict.fromkeys(row.group for row in rows))
    people = {row.group: row.people for row in rows}
    head = " | ".join(f"{group} (n={people[group]})" for group in groups)
    lines = ["", f"## By {column}", "", f"| | {head} | largest difference |", "|---" * (len(groups) + 2) + "|"]
    for metric, label in METRICS.items():
        cells = [_interval(row, metric) for row in rows if row.metric == metric]
        gap = next(g for g in audit.gaps if (g.column, g.metric) == (column, metric))
        scale = _SCALE[metric]
        last = f"{scale * gap.difference:.2f} ({scale * gap.low:.2f} to {scale * gap.high:.2f})"
        lines.append(f"| {label} | {' | '.join(cells)} | {last} |")
    name = f"by-{column}.png"
    _plot(rows, groups, folder / name, column)
    return [*lines, "", f"![Metrics by {column}]({name})"]


def _interval(row: GroupRow, metric: str) -> str:
    scale = _SCALE[metric]
    return f"{scale * row.mean:.2f} ({scale * row.low:.2f} to {scale * row.high:.2f})"


def _items(facet: str, groups: Any) -> list[str]:
    ordered = sorted(groups.items(), key=lambda pair: -pair[1][2])[:_FEW]
    lines = [
        "",
        f"## Items by {facet}",
        "",
        "| | of the exposure | of what people came to like | of the catalogue | exposure / liked |",
    ]
    lines.append("|---|---|---|---|---|")
    for group, (shown, liked, there) in ordered:
        ratio = f"{shown / liked:.2f}" if liked else ""
        lines.append(f"| {group} | {100 * shown:.1f} % | {100 * liked:.1f} % | {100 * there:.1f} % | {ratio} |")
    return lines


def _calibration(audit: Audit) -> list[str]:
    lines = ["", "## Calibration", ""]
    lines.append("What it changes when lists follow the kinds that people like (`calibration`), against lists that do not:")
    lines += ["", f"| weight | nDCG@{DEPTH} | miscalibration (KL) |", "|---|---|---|"]
    for weight, (ndcg, kl) in audit.calibration.items():
        lines.append(f"| {weight} | {_gain(ndcg, 100)} | {_gain(kl, 1)} |")
    return lines


def _gain(gain: Gain, scale: float) -> str:
    return f"{scale * gain.mean:+.2f} ±{scale * gain.ci95:.2f}"


def _plot(rows: Sequence[GroupRow], groups: Sequence[str], path: Path, column: str) -> None:
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
    except ModuleNotFoundError as error:
        raise missing("matplotlib", "audit") from error
    matplotlib.use("Agg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, len(METRICS), figsize=(3 * len(METRICS), 2.8), layout="constrained")
    for axis, (metric, label) in zip(axes, METRICS.items(), strict=True):
        here = {row.group: row for row in rows if row.metric == metric}
        scale = _SCALE[metric]
        means = [scale * here[group].mean for group in groups]
        ends = [[scale * (here[g].mean - here[g].low) for g in groups], [scale * (here[g].high - here[g].mean) for g in groups]]
        axis.errorbar(range(len(groups)), means, yerr=ends, fmt="o", color="#a83a2c", capsize=4)
        axis.set_xticks(range(len(groups)), groups, rotation=30, ha="right", fontsize=8)
        axis.set_title(label, fontsize=8)
        axis.margins(x=0.3)
    figure.suptitle(column, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
