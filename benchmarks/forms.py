"""Everyday documents and a question for each form of answer, for the screenshots and the browser tests."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

DOCUMENTS = {
    "boathouse-handbook.md": """# Boathouse handbook

The boathouse at Elmwater lends canoes to everybody who can swim. Nora Quayle has run it since 2017.

## What to bring

Bring the following for a day on the lake:

- a towel and dry clothes
- shoes that may get wet
- water for the whole day
- a hat against the sun

## Launching a canoe

1. Carry the canoe to the slipway, two people at each end.
2. Set it on the water beside the jetty.
3. Hold it steady while the person in front steps in.
4. Push off with the paddle, never with a foot.

## Rules on the lake

Dogs may come along in open canoes, if they wear a life jacket. Fires are forbidden on the islands, because the peat
below the grass burns for weeks. Canoes must be back by six in the evening.

## Money

A day costs 24 pounds for members and 38 pounds for guests. The lottery of the county pays for new boats, and the
sale of tea and cakes pays for the repairs of old ones.
""",
    "boats.csv": """Boat,Seats,Weight,Built,State
Heron,2,31,2015,ready
Plover,3,38,2019,ready
Bittern,2,29,2011,in repair
Grebe,4,52,2021,ready
Teal,1,22,2018,in repair
""",
    "2025-03-12-minutes.md": """# Minutes of the committee

Date: 12 March 2025

## New boats

The Heron weighs 31 kg and was built by Alder and Sons in Wickford. The Grebe weighs 52 kg and was built by the
apprentices of Elmwater yard. Both were paid for by the county.

## Opening hours

From April the boathouse opens at nine in the morning. On Mondays it stays shut.
""",
}


class FormQuestion(NamedTuple):
    """A question, the form of its answer, and words in the answer."""

    question: str
    form: str
    words: str


QUESTIONS = {
    "words": FormQuestion("Who has run the boathouse since 2017?", "words", "Nora Quayle"),
    "sentence": FormQuestion("Why are fires forbidden on the islands?", "sentence", "burns for weeks"),
    "list": FormQuestion("What should I bring for a day on the lake?", "list", "a hat against the sun"),
    "steps": FormQuestion("How do I launch a canoe?", "steps", "Push off with the paddle"),
    "table": FormQuestion("Which boats are in repair?", "table", "Bittern"),
    "figure": FormQuestion("How many seats do the boats that are ready have together?", "table", "2 + 3 + 4 = 9"),
    "comparison": FormQuestion("Compare the Heron with the Grebe", "comparison", "52 kg"),
    "summary": FormQuestion("Summarise the boathouse handbook", "summary", "Launching a canoe"),
    "yes_no": FormQuestion("May dogs come along?", "", "life jacket"),
    "about": FormQuestion("What is in here?", "about", "Boathouse handbook"),
    "talk": FormQuestion("Thanks!", "talk", ""),
    "refusal": FormQuestion("Who won the regatta in 1988?", "refusal", "1988"),
}
"""The question for each form. A sum has the form "table"; the sources decide if an answer opens with yes or no."""


def write_documents(folder: Path) -> Path:
    """Write the documents to a new folder and return it."""
    folder.mkdir(parents=True)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    return folder
