"""Type checkers know the type of the data wherever a user meets it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(params=["mypy", "pyright"])
def check(request, tmp_path, pytestconfig):
    """Checks a program of ours as a user's would be: away from this project's settings."""
    checker = request.param
    pytest.importorskip(checker)
    options = {
        "mypy": ["--strict", "--cache-dir", str(pytestconfig.cache.mkdir("holdfast-mypy"))],
        "pyright": ["--pythonpath", sys.executable],
    }

    def run(name):
        program = shutil.copy(PROGRAMS / name, tmp_path)
        command = [sys.executable, "-m", checker, *options[checker], str(program)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300)

    return run


def test_the_type_of_the_data_is_known_everywhere(check):
    done = check("typed_data.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_wrong_is_refused(check):
    lines = (PROGRAMS / "wrongly_typed_data.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    told = check("wrongly_typed_data.py").stdout
    assert {int(number) for number in re.findall(r"wrongly_typed_data\.py:(\d+):.*error", told)} == marked, told
