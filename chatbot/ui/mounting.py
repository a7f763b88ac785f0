"""The parts of the page that its script draws."""

from __future__ import annotations

from typing import Any

import gradio as gr


def mount(name: str, value: str = "") -> Any:
    """Make an HTML part that the script draws: it changes what changed alone, so that nothing flickers or loses the focus."""
    return gr.HTML(
        value,
        html_template='<div class="zy-mount"></div>',
        js_on_load=f"zhiyin.mount({name!r}, element, () => props.value, watch, trigger)",
        apply_default_css=False,
        elem_id=f"zy-{name}",
    )
