"""The README keeps its word: its Python runs, prints what its comments say, and its commands are where CI looks for them."""

import re
from pathlib import Path

import pytest

import jittape as jt

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


# Each Python block, and the text block right below it, if there is one.
PYTHON = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", README, re.M | re.S)


def run(source):
    """Run a block after `import jittape as jt`; what each of its prints wrote."""
    printed = []
    # Tracebacks show the README's own lines.
    above = README[: README.index(source)].count("\n")
    code = compile("\n" * above + source, str(ROOT / "README.md"), "exec")
    exec(code, {"jt": jt, "print": lambda *args: printed.append(" ".join(map(str, args)))})
    return printed


@pytest.mark.parametrize(("source", "text"), PYTHON, ids=[f"block{i}" for i in range(len(PYTHON))])
def test_a_block_prints_what_stands_beside_or_below_it(source, text):
    expected = re.findall(r"^print\(.*\)  # (.*)$", source, re.M) + [text.rstrip("\n")] * bool(text)
    assert expected
    assert run(source) == expected


def test_the_first_example_is_short_and_comes_first():
    assert len(PYTHON[0][0].splitlines()) <= 12
    assert README.index("```python") < README.index("```sh")


def test_there_are_two_commands_of_one_line_each_the_job_and_the_tests():
    job, tests = blocks("sh")
    assert job.count("\n") == tests.count("\n") == 1
    assert "examples/train_iris.py" in job and "pytest" in tests


def test_what_the_readme_names_exists():
    for name in set(re.findall(r"`jt\.(\w+)", README)):
        assert hasattr(jt, name), name
    for path in set(re.findall(r"\b((?:examples|bench|docs)/\w+\.\w+)", README)):
        assert (ROOT / path).exists(), path
