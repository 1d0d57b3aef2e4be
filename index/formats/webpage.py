"""Reads HTML pages: the article without menus, advertisements and cookie notices."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import lxml.html
import trafilatura
from charset_normalizer import from_bytes

from index.errors import UnreadableSource
from index.formats.content import Content
from index.formats.markup import render
from index.formats.numbering import name_definitions, number_items
from index.formats.spans import spread_cells
from index.text.dates import read_dateline

_DATE_NAMES = """article:published_time og:published_time datepublished date dc.date dc.date.issued dcterms.issued
dcterms.created citation_publication_date citation_date pubdate publishdate publish-date sailthru.date
parsely-pub-date""".split()
_FURNITURE_TAGS = "nav header footer aside form dialog".split()
_FURNITURE_NAMES = re.compile(
    r"(?:^|[-_\s])(?:cookies?|consent|gdpr|banner|advert(?:isement)?s?|ads?|promo|newsletter|sidebar|breadcrumbs?|"
    r"menu|navbar|navigation|share|social|popup|modal)(?:$|[-_\s])",
    re.IGNORECASE,
)
_FEWEST_WORDS = 25
"""An extract with fewer words may be wrong, so the whole page is compared with it."""
_NEARLY_ALL, _SHORT_PAGE = 0.8, 300
_FEW_LINKS = 0.05
"""With at most this share of its letters in links, boilerplate excluded, the whole page is the article."""
_MOST_ELEMENTS = 40_000
"""Extraction time grows with the square of the page size, so a larger page is used whole."""
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_CELLS = ("td", "th", "li", "dd", "dt", "p", "span", "b", "strong", "em")
_SHORT = 30
_KEEP = "\u2060"
"""A word joiner, which is invisible."""
_CHARSET = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)


def read(path: Path) -> Content:
    """Return the article of a saved page.

    Raises:
        UnreadableSource: The file is binary or has no text.
    """
    return read_markup(path.read_bytes())


def read_markup(data: bytes | str) -> Content:
    """Return the article of a page, given as bytes or text."""
    source, notes = (data, []) if isinstance(data, str) else decode_markup(data)
    tree = parse(source)
    title, author, published, language = _metadata(tree)
    marked = _marked_markup(tree) if sum(1 for _ in tree.iter()) <= _MOST_ELEMENTS else ""
    article, text = _article(marked)
    whole = whole_page(tree)
    if (
        _share_in_links(tree, whole) <= _FEW_LINKS
        or _loses(text, whole)
        or (_count(text)[0] < _count(whole)[0] and _loses(_article(marked, doubtful=True)[1], whole))
    ):
        text = whole
    if not text:
        # The parser gives up on deep nesting: strip the tags instead.
        text = " ".join(_TAG.sub(" ", source).split())
    title = _own_title(title, text) or (article.title if article is not None else "") or ""
    author = author or (article.author if article is not None else "") or ""
    return Content(with_title(title, text), title, author, published, language, notes=tuple(notes))


def _share_in_links(tree: Any, text: str) -> float:
    """Return the share of a page's `text` in links, which is high in menus and lists of articles."""
    return sum(len("".join(link.itertext()).strip()) for link in tree.iter("a")) / max(1, len(text))


def _article(markup: str, *, doubtful: bool = False) -> tuple[Any, str]:
    """Return trafilatura's extract (None without one) and its text; `doubtful` favours recall."""
    found = (
        trafilatura.bare_extraction(
            markup, with_metadata=True, include_comments=False, include_tables=True, favor_recall=doubtful
        )
        if markup
        else None
    )
    return found, render(found.body).replace(_KEEP, "") if found is not None and found.body is not None else ""


def _loses(text: str, whole: str) -> bool:
    """True if the whole page is better than the extract `text`.

    This is so if the extract is too short, or if it has lost headings although it has nearly all words of the page, or
    the page is short. trafilatura drops headings where it detects no article: it then returns only paragraphs (with
    `doubtful`, lists too).
    """
    if len(text.split()) < _FEWEST_WORDS:
        return len(whole) > len(text)
    (headings, words), (all_headings, all_words) = map(_count, (text, whole))
    return headings < all_headings and (all_words < _SHORT_PAGE or words >= _NEARLY_ALL * all_words)


def _count(text: str) -> tuple[int, int]:
    """Return the number of headings in a text, and the number of other words."""
    lines = text.splitlines()
    headings = sum(line.startswith("#") for line in lines)
    return headings, sum(len(line.split()) for line in lines if not line.startswith("#"))


def decode_markup(data: bytes) -> tuple[str, list[str]]:
    """Decode HTML or XHTML; return the text and notes.

    Try the byte-order mark, UTF-8, the declared encoding, then the most likely encoding. Latin letters don't
    distinguish European encodings, so Latin text is read as Windows-1252, as browsers do.

    Raises:
        UnreadableSource: The data is binary.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), []
    if b"\0" in data[:65536]:
        raise UnreadableSource("is binary, not HTML")
    named = _CHARSET.search(data[:4096])
    for encoding in ["utf-8-sig", *([named.group(1).decode("ascii", "replace")] if named else [])]:
        try:
            return data.decode(encoding), []
        except (UnicodeDecodeError, LookupError):
            continue
    likely = from_bytes(data[:200_000]).best()
    encoding = likely.encoding if likely and not _is_latin(str(likely)) else "cp1252"
    called = "Windows-1252" if encoding == "cp1252" else encoding
    return data.decode(encoding, "replace"), [f"names no encoding and is not UTF-8: read as {called}"]


def _is_latin(text: str) -> bool:
    """True if all letters are Latin."""
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in set(text) if letter.isalpha())


def _marked_markup(tree: Any) -> str:
    """Return the page as markup, with a mark in short cells and items to keep.

    trafilatura drops any element whose text is only "Print" or "Google", as a share link. Elements without links or
    buttons can't be share links.
    """
    marked = [one for one in tree.iter(*_CELLS) if not _can_be_pressed(one) and _leaf_words(one)]
    for one in marked:
        one.text = f"{one.text}{_KEEP}"
    whole = str(lxml.html.tostring(tree, encoding="unicode"))
    for one in marked:
        one.text = one.text.removesuffix(_KEEP)
    return whole


def _can_be_pressed(element: Any) -> bool:
    return any(True for _ in element.iter("a", "button")) or any(True for _ in element.iterancestors("a", "button"))


def _leaf_words(element: Any) -> bool:
    return not len(element) and 0 < len((element.text or "").strip()) <= _SHORT


def parse(markup: str, *, numbered: bool = False) -> Any:
    """Return the tree of an HTML or XHTML document, prepared for `render`.

    Table cells that span rows or columns are expanded. Unless `numbered`, list numbers are written before items, and
    terms before definitions.

    Raises:
        UnreadableSource: The document is empty.
    """
    # The text is already decoded: an XML declaration could contradict that.
    bare = re.sub(r"^\s*<\?xml[^>]*\?>", "", markup.replace("\0", ""))
    try:
        tree = lxml.html.document_fromstring(bare.encode("utf-8", "replace"), parser=_parser())
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError) as error:
        raise UnreadableSource("holds no text") from error
    spread_cells(tree)
    if not numbered:
        number_items(tree)
        name_definitions(tree)
    return tree


def _parser() -> Any:
    return lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)


def with_title(title: str, text: str) -> str:
    """Put the title as a heading before `text`, unless it is already near the top."""
    top = [line.strip("# ").casefold() for line in text[:2000].splitlines() if line.strip()][:3]
    tidy = " ".join(title.split())
    return text if not tidy or tidy.casefold() in top else f"# {tidy}\n\n{text}"


def _own_title(title: str, text: str) -> str:
    """Return the heading that the page title contains, else the title.

    Page titles often add the name of the site.
    """
    plain = _letters(title)
    for line in text.splitlines():
        heading = line.lstrip("# ") if line.startswith("#") else ""
        if len(_letters(heading)) > 3 and _letters(heading) in plain:
            return heading
    return title


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def whole_page(tree: Any) -> str:
    """Return the text of a page without boilerplate, recognized by tag, class or id."""
    for element in list(tree.iter(*_FURNITURE_TAGS)):
        _drop(element)
    for element in list(tree.iter("div", "section", "ul", "p", "span")):
        if _FURNITURE_NAMES.search(f"{element.get('class') or ''} {element.get('id') or ''}"):
            _drop(element)
    body = tree.find("body")
    return render(tree if body is None else body)


def _drop(element: Any) -> None:
    if element.getparent() is not None:
        element.drop_tree()


def _metadata(tree: Any) -> tuple[str, str, date | None, str]:
    """Return (title, author, published, language) from the page's metadata."""
    metas: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        metas.setdefault(name.lower(), (meta.get("content") or "").strip())
    title = metas.get("og:title") or " ".join((tree.findtext(".//title") or "").split())
    dates = [*(metas.get(name, "") for name in _DATE_NAMES), *_linked_dates(tree), *_timed(tree)]
    published = next((found for text in dates if (found := read_date(text))), None)
    return title, metas.get("author", ""), published, (tree.get("lang") or "")[:35]


def _linked_dates(tree: Any) -> Iterator[str]:
    """Yield each `datePublished` in the JSON-LD of a page."""
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            waiting = [json.loads(script.text or "")]
        except (ValueError, RecursionError):
            continue
        while waiting:
            value = waiting.pop(0)
            if isinstance(value, list):
                waiting += value
            elif isinstance(value, dict):
                yield str(value.get("datePublished") or "")
                graph = value.get("@graph")
                waiting += graph if isinstance(graph, list) else []


def _timed(tree: Any) -> Iterator[str]:
    for time in tree.iter("time"):
        if time.get("pubdate") is not None or time.get("itemprop") == "datePublished":
            yield time.get("datetime") or "".join(time.itertext())


def read_date(text: str) -> date | None:
    """Return the date in a metadata value, with or without a time.

    Returns None if it is not a complete date.
    """
    text = text.strip()
    if match := re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)", text):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            return None
    return read_dateline(text)
