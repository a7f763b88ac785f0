"""A server with the OpenAI chat API over a GGUF file, in a process of its own.

python llm_server.py FILE KEY, which prints its address and lives as long as its standard input.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTEXT = 2048  # tokens a slot
SLOTS = 4


@contextmanager
def serving(weights: Path, key: str) -> Iterator[str]:
    """Serve a file until the block ends; yields the base URL of the API."""
    command = [sys.executable, str(Path(__file__)), str(weights), key]
    # binary pipes: what a crash of the native library writes need not be text
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            address = process.stdout.readline().decode().strip()
            assert address.startswith("http://"), f"the server did not start: {address!r}"
            yield f"{address}/v1"
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.api_keys = sys.argv[1], [sys.argv[2]]
    params.n_parallel, params.n_ctx = SLOTS, SLOTS * CONTEXT
    params.hostnames = ["127.0.0.1"]
    params.verbosity = 0
    params.endpoint_metrics = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
