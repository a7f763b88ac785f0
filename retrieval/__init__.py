"""Retrieval: catalogues, channels and their fusion. Knows nothing of prompts, models that write, or conversations."""
