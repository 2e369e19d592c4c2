"""Text for files, databases and terminals, which cannot hold half a character.

Python and JSON can: a lone surrogate, `"\\ud800"`. So can the name of a file, for a byte that is no
UTF-8. Whatever a submission brings goes through here once.
"""

from __future__ import annotations

import json
from typing import Any


def whole(text: str) -> str:
    """The text with a question mark for each half of a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def parse_json(text: str, **options: Any) -> Any:
    """What the JSON says, with whole characters only.

    Args:
        text: the JSON.
        options: as `json.loads` takes them.

    Raises:
        ValueError: if it is no JSON.
        RecursionError: if it is nested too deeply.
    """
    found = json.loads(text, **options)
    if "\\ud" in text.lower():  # how JSON writes them; what was UTF-8 has none
        found = json.loads(whole(json.dumps(found, ensure_ascii=False)))
    return found
