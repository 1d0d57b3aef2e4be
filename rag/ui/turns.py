"""A question's turn on the page: the states of its answer as markup."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from index.errors import FootnoteError
from index.home import explained
from rag.answer import BadQuestion
from rag.api.service import AnswerService, AskedQuestion, Memory
from rag.choice import Choice
from rag.plain import plain_message
from rag.queue import QueueFull
from rag.settings import Writer
from rag.types import Answer
from rag.ui import html

_LOG = logging.getLogger("footnote")


class Turns:
    """Asks the page's questions and yields the markup of each turn."""

    def __init__(self, service: AnswerService) -> None:
        self._service = service
        self.queue = service.queue

    async def states(
        self, question: str, session: str, turn_id: str, writer: Writer, choice: Choice, memory: Memory | None = None
    ) -> AsyncGenerator[str]:
        """Yield a turn's markup: waiting, in progress, then answered, refused or failed.

        The final answer is stored in `memory` before it is shown; if that fails, a note below the answer says so. After
        a stop nothing more is yielded. Closing the iterator stops the question too.
        """
        asked = AskedQuestion(question, session, turn_id, writer=writer, choice=choice, memory=memory)
        home = self._service.engine.home
        quoted: Answer | None = None
        try:
            question_text = self._service.check(question)
            async with aclosing(self._service.states(asked)) as states:
                async for state in states:
                    if isinstance(state, str):
                        yield html.pending_turn(turn_id, question_text, state)
                    elif not state.is_draft:
                        yield html.turn(turn_id, state)
                    elif state.writer == "quote":
                        quoted = state
                        yield html.writing_turn(turn_id, None, quoted)
                    else:
                        yield html.writing_turn(turn_id, state, quoted)
        except (BadQuestion, QueueFull) as error:
            yield html.failure(turn_id, question[:200], str(error))
        except Exception as error:
            number = uuid.uuid4().hex[:8]
            _LOG.exception("error %s while answering question %s", number, turn_id)
            message = "Something went wrong while answering. Ask again; the log has the details."
            if isinstance(error, FootnoteError):
                message = plain_message(explained(error, home), home)
            yield html.failure(turn_id, question_text, f"{message} (Error {number})")
