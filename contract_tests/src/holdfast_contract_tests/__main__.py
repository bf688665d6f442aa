"""``python -m holdfast_contract_tests module:what``: the suite without a test file.

``what`` is a function that makes an adapter from an env, or a class that derives from ``AdapterContract``. What
follows is handed on to pytest.

``python -m holdfast_contract_tests card FILE`` prints the cards of ``--holdfast-report FILE`` as Markdown, and
``page`` the page of all clauses.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from holdfast_contract_tests.page import contract_page
from holdfast_contract_tests.report import to_markdown

__all__ = ["main"]

_CARD = 2  # the word, and the file
_FILE = """\
import sys
sys.path.insert(0, {folder!r})
from holdfast_contract_tests import AdapterContract
import {module}

what = {module}.{name}
if isinstance(what, type) and issubclass(what, AdapterContract):
    class Test{title}(what):
        pass
else:
    class Test{title}(AdapterContract):
        make_adapter = staticmethod(what)

del what
"""


def main(arguments: list[str]) -> int:
    """Run the suite, and give pytest's exit code."""
    if arguments == ["page"]:
        print(contract_page(), end="")
        return 0
    if arguments[:1] == ["card"] and len(arguments) == _CARD:
        cards = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))["cards"]
        print("\n".join(map(to_markdown, cards)), end="")
        return 0
    if not arguments or ":" not in arguments[0]:
        print(__doc__, file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    module, _, name = arguments[0].partition(":")
    title = "".join(part.capitalize() for part in name.replace(".", "_").split("_"))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "test_of_holdfast_contract.py"  # no name that an author would choose
        file.write_text(_FILE.format(folder=str(Path.cwd()), module=module, name=name, title=title))
        # The file is far from the author's, and so are the settings of his project.
        settings = ["--rootdir", folder, "-c", str(Path(folder) / "pytest.ini"), "-p", "no:cacheprovider"]
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        again = f"python -m holdfast_contract_tests {arguments[0]}"
        # In a process of its own: this one has imported the suite before pytest could rewrite its assertions.
        command = [
            sys.executable,
            "-m",
            "pytest",
            str(file),
            *settings,
            "--holdfast-command",
            again,
            *arguments[1:],
        ]
        return subprocess.run(command, check=False).returncode  # noqa: S603 - it is our own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
