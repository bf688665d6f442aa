"""What the tests of the semantics share: adapters with options, and looks at all that is stored."""

from contextlib import AsyncExitStack

import pytest

from tests.conftest import make_adapter


@pytest.fixture
def new_adapter(backend, tmp_path, clock):
    """Makes adapters of this backend, not opened yet; those in one folder share it where the backend can."""

    def make(*, folder=tmp_path, **options):
        return make_adapter(backend, folder, **{"clock": clock, **options})

    return make
