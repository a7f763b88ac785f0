"""``python -m benchmarks.quality dialogue``, ``sequence`` and ``domains``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.quality.report import add_json, tell
from chatbot.settings import go_offline

_BENCHMARKS = ("dialogue", "sequence", "domains")  # modules with add_arguments(parser) and run(options), which returns rows


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="How good recommendations are.")
    commands = parser.add_subparsers(required=True, metavar="|".join(_BENCHMARKS))
    asked = [name for name in _BENCHMARKS if name in sys.argv[1:2]]
    for name in asked or _BENCHMARKS:  # each imports what takes seconds
        module = import_module(f"benchmarks.quality.{name}")
        about = (module.__doc__ or "").replace("%", "%%")
        command = commands.add_parser(
            name, description=about, help=about.partition("\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(command)
        add_json(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args()
    go_offline()
    tell(options.run(options), options.json)


if __name__ == "__main__":
    main()
