"""Many people at once, over loopback and in this process: ``python -m benchmarks.load``."""
