"""What the program tells of itself while it runs: logs, metrics, traces. None of it holds what a person says."""
