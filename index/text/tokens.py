"""Count tokens with tiktoken and a byte-pair table that ships with the project, so that it works offline."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import tiktoken
from tiktoken.load import load_tiktoken_bpe

from index.errors import ModelError

OWN_ENCODING = "footnote-32k"
OWN_TABLE = Path(__file__).parent / "data" / "footnote-32k.tiktoken"
OWN_TABLE_SHA256 = "ac6120e74a1c33302f9c1ddac7a739b2c235b080651b8710d0b9a8bc9a31c7bc"

# A word with the space before it, up to three digits, a run of symbols, or white space: the split of GPT-2, without
# its English contractions and with digits in groups. The table is trained and used with this same pattern.
PATTERN = r" ?[\p{L}\p{M}]+| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"


class TokenCounter:
    """A counter of tokens in one tiktoken encoding. It never cuts text."""

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding
        self.name = encoding.name

    def count(self, text: str) -> int:
        """Return the number of tokens in `text`.

        Markers such as `<|endoftext|>` count as ordinary text.
        """
        return len(self._encoding.encode_ordinary(text))


@cache
def token_counter(name: str = OWN_ENCODING) -> TokenCounter:
    """Return the counter called `name`, loaded once.

    `name` is the shipped table or any encoding that tiktoken knows (and downloads). Raises ModelError with the remedy
    if the table can't be loaded.
    """
    if name != OWN_ENCODING:
        try:
            return TokenCounter(tiktoken.get_encoding(name))
        except Exception as error:
            raise ModelError(
                f"The tiktoken encoding {name!r} could not be loaded ({error}). Encodings other than {OWN_ENCODING!r} "
                f"are downloaded by tiktoken at first use; go online once, or leave FOOTNOTE_ENCODING at its default."
            ) from error
    try:
        ranks = load_tiktoken_bpe(str(OWN_TABLE), expected_hash=OWN_TABLE_SHA256)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The token table {OWN_TABLE} is missing or altered ({error}). Restore it from the repository."
        ) from error
    return TokenCounter(tiktoken.Encoding(OWN_ENCODING, pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={}))
