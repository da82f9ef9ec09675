"""Everything public has a docstring, and the examples in docstrings give what they show."""

import doctest
import inspect

import pytest

import jittape as jt


def documented():
    """The public objects of the package, and the public methods of its classes."""
    for name, value in vars(jt).items():
        if name.startswith("_") or inspect.ismodule(value):
            continue
        yield name, value
        if inspect.isclass(value):
            yield from (
                (f"{name}.{key}", method) for key, method in vars(value).items() if not key.startswith("_") and callable(method)
            )


DOCUMENTED = dict(documented())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_give_what_they_show(name):
    doc = inspect.getdoc(DOCUMENTED[name])
    assert doc
    test = doctest.DocTestParser().get_doctest(doc, {}, name, None, None)
    report = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)
