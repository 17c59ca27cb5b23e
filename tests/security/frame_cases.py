"""Cases of what every page has around it: static files, the palette, the keys."""

from __future__ import annotations

from tests.security.bodies import Body

FRAME_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/static/", "owner"): ["relatum"],
    ("/static/", "path"): ["relatum.css"],
}

FRAME_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/palette/keys"): Body(lambda known: {"on": "yes"}, ok=(303,), kind="form"),
}
