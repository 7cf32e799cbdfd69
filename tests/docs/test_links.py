"""Every link between pages leads to a file, and to a heading of it that is there."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for folder in ("", "docs", "bench", "bench/results", "tests/corpus")
    for page in (ROOT / folder).glob("*.md")
)


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


@cache
def anchors(page: Path) -> set[str]:
    """What code hosts make of headings: in lower case, without punctuation, numbered from 1."""
    found = tokens(page)
    texts = [found[n + 1].children for n, each in enumerate(found) if each.type == "heading_open"]
    words = ["".join(child.content for child in text or ()).lower() for text in texts]
    slugs = [re.sub(r"[^\w\- ]", "", word).replace(" ", "-") for word in words]
    seen: Counter[str] = Counter()
    names = set()
    for slug in slugs:
        names.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return names


def links(page: Path) -> list[str]:
    inner = [child for each in tokens(page) for child in each.children or ()]
    found = [each.attrGet("href") or each.attrGet("src") for each in inner]
    return [str(link) for link in found if link and not re.match(r"[a-z]+:", str(link))]


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """Files and folders by their path from the page, headings of pages by their anchor."""
    here = ROOT / page
    for link in links(here):
        name, _, anchor = link.partition("#")
        there = (here.parent / name).resolve() if name else here
        assert there.is_relative_to(ROOT), link
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link
