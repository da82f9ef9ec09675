"""The Python blocks of the documentation run, one after the other as they stand on a page."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page):
    space: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S):
        exec(compile(block, page.name, "exec"), space)


@pytest.mark.jit_only
def test_the_picture_of_the_blocks_is_of_this_version():
    blocks = runpy.run_path(str(DOCS / "blocks.py"))
    assert blocks["draw"](blocks["program"]()) == (DOCS / "blocks.svg").read_text()
