"""Text from outside made safe to show: names and messages of a server must not steer the terminal."""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]

# Characters that reorder the text around them: they can make one name look like another.
_DIRECTION = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text with control characters, line breaks, direction marks and undecodable bytes written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char.isprintable() and char not in _DIRECTION:
        return char
    if char in _SHORT:
        return _SHORT[char]
    # Joiners and variation selectors are part of ordinary words and emoji; blanks of all widths are harmless.
    if unicodedata.category(char) in ("Cf", "Zs") and char not in _DIRECTION:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
