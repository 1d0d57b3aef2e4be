"""Error messages for people who are not at this machine: without error numbers and without paths."""

from __future__ import annotations

import errno
import re
from pathlib import Path

_NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ?")
_PATH = re.compile(r"(?<![\w:/.~*-])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\"()]+[/\\])+(?P<name>[^\s/\\'\"():,;]+)")
_REASONS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "The disk is full. Make room, then try again."),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "The folder of the index can't be written. Make it writable (FOOTNOTE_HOME), then try again.",
    ),
    **dict.fromkeys((errno.ENOENT, errno.ESTALE), "A file was deleted while it was being read. Try again."),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "Too many files are open on this machine. Try again in a moment."),
}
_OTHERS = "The system reported an error. See logs/footnote.log in FOOTNOTE_HOME, then try again."


def plain_message(error: Exception | str, home: Path) -> str:
    """Return an error's message without its number and without full paths.

    A path is shortened to its file name; `home` in a path is written FOOTNOTE_HOME.
    """
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0, _OTHERS)
    words = _NUMBER.sub("", str(error)).replace(f"{home}", "FOOTNOTE_HOME")
    return _PATH.sub(lambda found: found["name"], words)
