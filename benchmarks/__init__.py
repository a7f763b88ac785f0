"""Quality and speed, each a command."""
