"""How Sphinx makes a site of the docs: `make docs`.

Its pages are the files that a code host shows, read where they are, so that every link between
them is held to. The README is the first page, and its last section gives the sidebar its order.
"""

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from pygments.lexers.sql import SqlLexer
from sphinx import addnodes
from sphinx.application import Sphinx

from hookgate import __version__

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
import manual  # noqa: E402  # beside this file

project = "hookgate"
version = release = __version__
project_copyright = "the authors of hookgate, Apache-2.0"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "bench/README.md", "bench/results/*.md"]
exclude_patterns = [".*", "build", "dist"]
# The lexer of SQL does not know all of DuckDB's.
suppress_warnings = ["misc.highlighting_failure"]

# Two dashes are those of an option.
smartquotes = False

myst_heading_anchors = 4
highlight_language = "text"

html_theme = "furo"
html_title = f"hookgate {__version__}"
html_show_sphinx = False
html_show_sourcelink = html_copy_source = False
html_use_index = False
# The extracts would be fetched, which a browser refuses a page that is a file.
html_show_search_summary = False
html_permalinks_icon = "#"
html_additional_pages = {"index": "index.html"}
templates_path = ["site"]

_SECTION = re.compile(r"^## Where to read on\n(.*)", re.MULTILINE | re.DOTALL)
_QUESTION = re.compile(r"^- \*\*(.+?)\*\*(.*?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)
_PAGE = re.compile(r"\]\(([\w/]+)\.md\)")


def add_sidebar(_: Sphinx, name: str, source: list[str]) -> None:
    """Append to the README a hidden table of contents for each of its questions."""
    if name != root_doc:
        return
    (section,) = _SECTION.findall(source[0])
    shown: set[str] = set()
    for question, answer in _QUESTION.findall(section):
        pages = [page for page in dict.fromkeys(_PAGE.findall(answer)) if page not in shown]
        shown.update(pages)
        lines = (":hidden:", f":caption: {question}", "", *pages)
        source[0] += "\n```{toctree}\n" + "\n".join(lines) + "\n```\n"


def add_reference(_: Sphinx, name: str, source: list[str]) -> None:
    """Append to the page of the command what `--help` says of each verb."""
    if name == "docs/commands":
        source[0] += "\n## Every verb\n\n" + "\n".join(map(manual.to_markdown, manual.verbs()))


def unlink_folders(_: Sphinx, page: nodes.document) -> None:
    """Leave the text of links to folders: a code host shows those, and a site has none."""
    for link in list(page.findall(addnodes.pending_xref)):
        if ((ROOT / link["refdoc"]).parent / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def mend_for_readers(*given: Any) -> None:
    """Let keys scroll what is wider than the page, and captions of the sidebar have a level."""
    context: dict[str, Any] = given[3]
    for name, was, becomes in (
        ("body", "<pre>", '<pre tabindex="0">'),
        ("body", '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
        ("furo_navigation_tree", 'role="heading"', 'role="heading" aria-level="2"'),
    ):
        context[name] = context.get(name, "").replace(was, becomes)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("alloy", TextLexer)
    app.add_lexer("clickhouse", SqlLexer)
    app.connect("source-read", add_sidebar)
    app.connect("source-read", add_reference)
    app.connect("doctree-read", unlink_folders)
    app.connect("html-page-context", mend_for_readers, priority=900)
