"""Looks at a table and proposes how it becomes a catalogue or a log."""
