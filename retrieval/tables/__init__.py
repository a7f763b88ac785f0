"""Reads tables of any size as a stream: CSV and its kin, JSON, JSON lines, Parquet, SQLite, each also gzipped."""
