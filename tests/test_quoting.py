"""Quotes in e-mails become sections under their authors, for the quoting style of any mail program."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_of
from index.chunk import ChunkLimits, chunk
from index.formats import mail
from index.formats.quoting import split_quotes
from tests.nasty import TEXTS

THREAD = """The chairs can come on Friday.

Nadja

On Thu, 19 Jun 2025 at 16:42, Oswin Cray wrote:
> We replace 14 chairs:
> - free of charge
>
> On Tue, 17 Jun 2025 at 09:15, Nadja Brool <office@alder.example>
> wrote:
>> The legs are cracked.
"""
OUTLOOK = """Fine with me.

From: Tom Hale <tom@example.org>
Sent: Monday, 2 June 2025 10:14
To: Ann Bell <ann@example.org>;
 Edda Holm
Subject: RE: Key

I have the key.

-----Original Message-----
From: Ann Bell
Sent: Sunday, June 1, 2025 9:00 AM
To: Tom Hale
Subject: Key

Who has the key?
"""
INLINE = """Hello Oswin,

Oswin Cray <oswin@sedge.example> writes:
> Can you come
> on Friday?

Yes.

> And who brings the chairs?
Tom does.
"""


def test_each_message_of_a_thread_is_a_section_under_its_author() -> None:
    assert split_quotes(THREAD, "Nadja Brool") == (
        "The chairs can come on Friday.\n\nNadja\n\n## Oswin Cray wrote on Thu, 19 Jun 2025 at 16:42\n\n"
        "We replace 14 chairs:\n- free of charge\n\n## Nadja Brool wrote on Tue, 17 Jun 2025 at 09:15\n\n"
        "From: Nadja Brool <office@alder.example> | Date: Tue, 17 Jun 2025 at 09:15\n\nThe legs are cracked."
    )


def test_messages_below_a_header_are_sections_too() -> None:
    assert split_quotes(OUTLOOK, "Ann Bell") == (
        "Fine with me.\n\n## Tom Hale wrote on Monday, 2 June 2025 10:14\n\nFrom: Tom Hale <tom@example.org> | "
        "Date: Monday, 2 June 2025 10:14 | To: Ann Bell <ann@example.org>; Edda Holm | Subject: RE: Key\n\n"
        "I have the key.\n\n## Ann Bell wrote on Sunday, June 1, 2025 9:00 AM\n\n"
        "From: Ann Bell | Date: Sunday, June 1, 2025 9:00 AM | To: Tom Hale | Subject: Key\n\nWho has the key?"
    )


def test_replies_between_quoted_lines_stay_in_place_with_the_names_of_their_authors() -> None:
    assert split_quotes(INLINE, "Nadja Brool") == (
        "Hello Oswin,\n\nOswin Cray <oswin@sedge.example>: Can you come\non Friday?\n\n"
        "Nadja Brool: Yes.\n\nOswin Cray: And who brings the chairs?\n\nNadja Brool: Tom does."
    )


def test_a_reply_below_a_long_quote_is_a_section_of_its_sender() -> None:
    long = "> The pump was checked by the engineer and found to be in working order.\n" * 12
    made = split_quotes(f"Tom Hale wrote:\n{long}\nThen we can start.\n", "Ann Bell")
    assert made.startswith("## Tom Hale wrote\n\nThe pump") and made.endswith(
        "\n\n## Ann Bell wrote\n\nThen we can start."
    )


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("On Jun 19, 2025, at 4:42 PM, Oswin Cray <o@x.de> wrote:", "Oswin Cray wrote on Jun 19, 2025, at 4:42 PM"),
        ("On Thu, Jun 19, 2025 at 4:42 PM <o@x.de> wrote:", "o@x.de wrote on Thu, Jun 19, 2025 at 4:42 PM"),
        ("2025-06-19 16:42 GMT+02:00 Oswin Cray <o@x.de>:", "Oswin Cray wrote on 2025-06-19 16:42 GMT+02:00"),
        ("Am 19.06.2025 um 16:42 schrieb Oswin Cray:", "Oswin Cray wrote on 19.06.2025 um 16:42"),
        ("Le jeu. 19 juin 2025 à 16:42, Oswin Cray a écrit :", "Oswin Cray wrote on jeu. 19 juin 2025 à 16:42"),
        ("Oswin Cray wrote on 19 June:", "Oswin Cray wrote on 19 June"),
        ("This is what he says:", "Quoted text"),
    ],
)
def test_the_line_above_a_quote_gives_author_and_date(line: str, heading: str) -> None:
    made = split_quotes(f"Yes.\n\n{line}\n> Is it open?\n", "Ann Bell")
    assert f"\n\n## {heading}\n\n" in made and made.endswith("Is it open?") and "schrieb" not in made


def test_the_line_with_author_and_date_may_be_quoted_too() -> None:
    body = "Fine.\n\n> On 4 May 2024, Tom Hale wrote:\n>\n> Is it open?\n>\n"
    body += ">> On 3 May 2024, Ann Bell wrote:\n>>\n>> It rains.\n"
    made = split_quotes(body, "Ann Bell")
    assert made.endswith(
        "## Tom Hale wrote on 4 May 2024\n\nIs it open?\n\n## Ann Bell wrote on 3 May 2024\n\nIt rains."
    )


@pytest.mark.parametrize(
    "body", ["No quotes.\n\nAt all > 4.", "From: Oslo\nTo: Bergen\nDate: 3 May\n", ">>> print(1)\n1"]
)
def test_a_message_without_quotes_is_unchanged(body: str) -> None:
    assert split_quotes(body, "Ann Bell") == body


def test_a_forwarded_message_is_a_section_under_its_author(tmp_path: Path) -> None:
    forwarded = "> From: Tom Hale <t@x.example>\n> Subject: Key\n> Date: 3 May 2024\n>\n> The key is here.\n"
    made = split_quotes(f"fyi\n\nBegin forwarded message:\n\n{forwarded}", "Ann")
    assert made.endswith(
        "\n\n## Tom Hale wrote on 3 May 2024\n\nFrom: Tom Hale <t@x.example> | Date: 3 May 2024 | Subject: Key\n\n"
        "The key is here."
    )


def test_a_blockquote_is_a_section_and_no_passage_mixes_two_authors(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ann Bell <ann@example.org>", "tom@example.org", "Key"
    message.set_content(
        "<p>I have it.</p><div>On Sun, Oct 1, 2023 at 9:10 PM Tom Hale wrote:</div><blockquote><p>Who has:</p>"
        "<ul><li>the old one</li><li>the new one</li></ul><div>On 30 Sep 2023, Edda Holm wrote:</div><blockquote>"
        "<p>The old key is lost.</p></blockquote></blockquote>",
        subtype="html",
    )
    path = tmp_path / "key.eml"
    path.write_bytes(message.as_bytes())
    content = mail.read(path)
    assert content.text == (
        "# Key\n\nFrom: Ann Bell <ann@example.org> | To: tom@example.org\n\nI have it.\n\n"
        "## Tom Hale wrote on Sun, Oct 1, 2023 at 9:10 PM\n\nWho has:\n\n"
        "- the old one\n- the new one\n\n## Edda Holm wrote on 30 Sep 2023\n\nThe old key is lost."
    )
    chunks = chunk(article_of("key.eml", content), ChunkLimits(len, len, pieces=900, tokens=400))
    headings = {
        words: one.heading for one in chunks for words in ("I have it", "Who has", "is lost") if words in one.text
    }
    assert headings == {
        "I have it": "",
        "Who has": "Tom Hale wrote on Sun, Oct 1, 2023 at 9:10 PM",
        "is lost": "Edda Holm wrote on 30 Sep 2023",
    }


LINES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["one two", "", "From: a@b.example", "Tom wrote:", "- x"]))
)


@given(LINES)
def test_no_word_of_a_thread_is_lost(lines: list[tuple[int, str]]) -> None:
    body = "\n".join(f"{'>' * depth} {words}" if depth else words for depth, words in lines)
    made = split_quotes(body, "Ann Bell")
    assert body.count("one two") == made.count("one two") and body.count("- x") == made.count("- x")


@given(TEXTS)
def test_any_text_can_be_split(text: str) -> None:
    made = split_quotes(text, "Ann")
    assert isinstance(made, str)
    if ">" not in text and ":" not in text:
        assert made == text
