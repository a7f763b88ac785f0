"""The conversation: understanding, policy, re-ranking, writing, memory and the page."""
