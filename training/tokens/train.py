"""Train the shipped byte-pair table: `python -m training.tokens.train DATA_FOLDER [--size 32768]`.

DATA_FOLDER holds public text as gzipped SQuAD-form JSON and JSONL; every string of four words or more in these files
counts as text. The same files give the same table, byte for byte. Method: Sennrich et al. 2016, over bytes.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from index.text.tokens import OWN_TABLE, PATTERN


def _strings(value: object) -> Iterator[str]:
    """Yield every text of four words or more inside a JSON value, in order."""
    if isinstance(value, str):
        if value.count(" ") >= 3:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def texts(folder: Path) -> Iterator[str]:
    """Yield the distinct texts of the training files below `folder`.

    Files named dev are left out: they are for measuring.
    """
    seen: set[bytes] = set()
    for path in sorted(folder.rglob("*.gz")):
        if "dev" in path.name:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            values = map(json.loads, lines) if ".jsonl" in path.name else iter([json.load(lines)])
            for value in values:
                for text in _strings(value):
                    key = hashlib.blake2b(text.encode(), digest_size=16).digest()
                    if key not in seen:
                        seen.add(key)
                        yield text


def train(folder: Path, size: int) -> list[bytes]:
    """Return the `size` tokens of a byte-level BPE over the texts of `folder`.

    The most basic token comes first.
    """
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[]
    )
    tokenizer.train_from_iterator(texts(folder), trainer)
    byte_of = _bytes_by_letter()
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [bytes(byte_of[letter] for letter in token) for token, _ in vocabulary]


def _bytes_by_letter() -> dict[str, int]:
    """Return visible letter -> byte, the inverse of how byte-level BPE writes bytes (byte order: GPT-2's)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + n): byte for n, byte in enumerate(hidden)}


def main() -> None:
    """Train, write the table and print its size and sha256 for `index/text/tokens.py`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=32_768)
    parser.add_argument("--out", type=Path, default=OWN_TABLE)
    arguments = parser.parse_args()
    tokens = train(arguments.folder, arguments.size)
    table = b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(table)
    print(f"{len(tokens)} tokens, {len(table)} bytes, sha256 {hashlib.sha256(table).hexdigest()}")


if __name__ == "__main__":
    main()
