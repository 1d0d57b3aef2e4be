"""Chat without the page: `python -m tests.asker` answers each line of its input with a line of JSON."""

from __future__ import annotations

import json
import sys

from index.errors import FootnoteError
from rag.answer import answer
from rag.cli.terminal import print_line
from rag.engine import Engine
from rag.settings import make_settings


def main() -> None:
    engine = Engine(make_settings())
    engine.warm_up()
    print_line(json.dumps(engine.state))
    for line in sys.stdin:
        try:
            value = answer(engine, line.strip()).to_json()
            reply = {"answer": value["answer"], "quotes": [one["quote"] for one in value["citations"]]}
        except FootnoteError as error:
            reply = {"answer": f"failed: {error}", "quotes": []}
        print_line(json.dumps(reply))


if __name__ == "__main__":
    main()
