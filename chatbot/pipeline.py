"""One message through the rooms: understanding, policy, retrieval, re-ranking, writing. Holds injected parts alone."""
