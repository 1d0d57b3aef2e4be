"""Texts that break careless code, and hypothesis strategies that build whole articles from them."""

from __future__ import annotations

from hypothesis import strategies as st

NASTY = [
    "",
    " ",
    "\n\n\n",
    "a",
    ".",
    "...",
    "\ufeffBOM inside",
    "<|endoftext|> is a marker. So is <|endofprompt|>.",
    "Ein Satz. Noch ein Satz! Und, z.B., ein dritter?",
    "שלום עולם. זו פסקה בעברית. סוף.",
    "これは文です。これも文です。終わり。",
    "👩‍👩‍👧‍👦" * 300,
    "e\u0301" * 1500,
    "각" * 900,
    "x" * 20_000,
    "word " * 5_000,
    "A very long sentence without an end " * 300,
    "Dr. No met Mr. J. R. Smith Jr. at 3.30 p.m. in the U.S. He paid $2.50. Fine.",
    "Title\n\nBody text that is a sentence.\n\nHeading\n\nMore body text, that ends.\n",
    "• one\n• two\n  • three is longer than the others.\n1. four\n2) five",
    "line one that was wrapped because it is rather long for one line\nand goes on here.\r\nNext.\rLast",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\u2028line\u2029paragraph\x0bvertical\x0cform\x85next",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} <img src=x onerror=alert(1)>",
    "\u202eright to left override\u202c and back.",
    "No. 5 is alive. See fig. 3. It is approx. 4 km. away.",
    "Subscribe to our newsletter for updates.\n\nRelated posts\n\nOne\n\nTwo",
]

_WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\x85"), min_size=1, max_size=12
)
_PIECES = st.one_of(
    _WORDS,
    st.sampled_from(
        [".", "!", "?", ". ", "\n", "\n\n", "\r\n", " ", "  ", "• ", "# ", "Ltd. ", "“", "”", ",", "\t", "1. "]
    ),
    st.sampled_from(NASTY[3:12]),
)

TEXTS = st.one_of(st.sampled_from(NASTY), st.lists(_PIECES, max_size=120).map("".join))
