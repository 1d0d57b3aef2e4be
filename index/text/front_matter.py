"""Front matter: the YAML or TOML block at the top of a text that gives its title, author and date."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_BLOCK = re.compile(
    r"\ufeff?(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<body>.{0,20000}?)\r?\n(?P=fence)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)


@dataclass(frozen=True)
class FrontMatter:
    """The front matter of a text.

    `text[:end]` is the block; `end` is 0 without one. `fields` maps its keys, reduced to lower-case letters, to values
    as text.
    """

    end: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of `text`.

    A block that is not YAML or TOML with named fields is no front matter.

    >>> read_front_matter("---\\ntitle: Mills\\n---\\nText.").fields["title"]
    'Mills'
    """
    match = _BLOCK.match(text)
    if match is None:
        return FrontMatter()
    try:
        value: Any = _parse(match["fence"], match["body"])
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return FrontMatter()
    if not isinstance(value, dict):
        return FrontMatter()
    fields = {_plain(str(key)): _shown(inner) for key, inner in value.items() if isinstance(key, str)}
    return FrontMatter(match.end(), fields)


def _parse(fence: str, body: str) -> Any:
    # The base loader keeps every value as it was typed: a date stays "2024-06", a version "1.10".
    return tomllib.loads(body) if fence == "+++" else yaml.load(body, Loader=yaml.BaseLoader)


def _plain(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _shown(value: Any) -> str:
    """Return a value as one line of text; a nested value gives "", as none is of use here."""
    if isinstance(value, list):
        return ", ".join(shown for inner in value if not isinstance(inner, list) and (shown := _shown(inner)))
    return "" if isinstance(value, dict) or value is None else " ".join(str(value).split())
