"""What stands on a drawn cover, by the icon of a domain: lines on a square of 24, and the shape that such things have."""

from __future__ import annotations

from retrieval.abilities import Icon

_PATHS: dict[str, str] = {
    "screen": "M4 5h16v14H4ZM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4",
    "book": "M5 4.5h9a3 3 0 0 1 3 3V20a2.5 2.5 0 0 0-2.5-2.5H5ZM17 7h2v11.5",
    "music": "M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0ZM19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Z",
    "bag": "M5 8.5h14l1 11.5H4ZM8.5 11V7a3.5 3.5 0 0 1 7 0v4",
    "news": "M4 5h13v14H6a2 2 0 0 1-2-2ZM17 9h3v8a2 2 0 0 1-2 2M7 8.5h7M7 12h7M7 15.5h4",
    "graduation": "M2.5 9.5 12 5l9.5 4.5L12 14ZM6.5 11.5V16c1.5 1.6 3.4 2.4 5.5 2.4s4-.8 5.5-2.4v-4.5M21.5 9.5V15",
    "heart": "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z",
    "coin": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM9 10h6M9 14h6M12 8v8",
    "thing": "M12 3.5 20 8v8l-8 4.5L4 16V8ZM4 8l8 4.5L20 8M12 12.5v8",
}


def render_icon(icon: Icon) -> str:
    """Draw the icon of a domain."""
    return f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{_PATHS[icon]}"/></svg>'
