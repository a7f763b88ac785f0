"""``python -m benchmarks.understanding [states|linking|promises]``: see README.md."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.quality.report import add_json
from benchmarks.understanding.report import tell
from chatbot.settings import go_offline

_BENCHMARKS = ("states", "linking", "promises")  # modules with add_arguments(parser) and run(options), which returns rows


def main() -> None:
    """Run one benchmark, or all of them when none is named, and print what they found."""
    named = [name for name in _BENCHMARKS if name in sys.argv[1:2]]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.understanding", description=__doc__)
    parser.add_argument("benchmark", nargs="?", choices=_BENCHMARKS, help="without: all, one after the other")
    modules = {name: import_module(f"benchmarks.understanding.{name}") for name in named or _BENCHMARKS}
    for module in modules.values():
        module.add_arguments(parser)
    add_json(parser)
    options = parser.parse_args()
    go_offline()
    tell({name: module.run(options) for name, module in modules.items()}, options.json)


if __name__ == "__main__":
    main()
