"""What all tests share: one seed, bounded random search, and a mark for tests that are about compilation."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numba import config

from jittape import cpython, native, tracer

settings.register_profile(
    "jittape",
    deadline=None,
    max_examples=8 if config.DISABLE_JIT else 80,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("jittape")

SEED = 20180128


def pytest_configure(config):
    config.addinivalue_line("markers", "jit_only: about compiled kernels; skipped where Numba is switched off")


def pytest_collection_modifyitems(items):
    if not config.DISABLE_JIT:
        return
    for item in items:
        if item.get_closest_marker("jit_only"):
            item.add_marker(pytest.mark.skip(reason="NUMBA_DISABLE_JIT is set"))


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture(scope="session")
def jit():
    """Whether kernels are compiled; loops in the tests are shorter where they are not."""
    return not config.DISABLE_JIT


@pytest.fixture
def use_python(monkeypatch):
    """A function that puts the operators in Python back for this test, where machine code has taken their place."""

    def replace():
        for name, method in native.PYTHON.items():
            monkeypatch.setattr(tracer.Var, name, method)
        monkeypatch.setattr(tracer, "push", native.PUSH)

    return replace


@pytest.fixture(params=["native", "python"] if cpython.supported() else ["python"])
def operators(request, use_python):
    """The operators as machine code, then those in Python that they stand for."""
    if cpython.supported():
        native.install()
    if request.param == "python":
        use_python()
