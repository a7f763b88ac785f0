"""How good recommendations are, on public data: ``python -m benchmarks.quality``."""
