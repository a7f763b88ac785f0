"""The HTTP API: what an application of the owner's, an agent or a program calls. Knows nothing of the page."""
