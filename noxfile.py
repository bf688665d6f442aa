"""What CI runs: ``nox`` runs all of it, ``nox -l`` lists the sessions, ``nox -s tests-3.12`` runs one."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import nox

ROOT = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13")
ADAPTERS = [f"./{folder.parent.relative_to(ROOT)}" for folder in sorted(ROOT.glob("adapters/*/pyproject.toml"))]
SUITE = "./contract_tests"
DISTRIBUTIONS = [".", *ADAPTERS, SUITE]
SOURCES = [
    *(f"{distribution}/src" for distribution in DISTRIBUTIONS),
    "examples",
    "benchmarks",
    "docs",
    "noxfile.py",
]
READMES = ["README.md", *(f"{distribution}/README.md" for distribution in DISTRIBUTIONS[1:])]
# What CI could not run, it has not proved.
STRICT = ["--holdfast-strict"] if os.environ.get("CI") else []
# The examples and the suite's own tests have sessions of their own.
TESTS = ("tests", "adapters", "--ignore=tests/examples", "-n", "2", *STRICT)
# What takes long is run with the oldest dependencies, and on the newest Python; the others do without.
SHORT = ("--ignore=tests/manager", "--holdfast-profile=smoke")
PINS = ".ci/constraints.txt"

# All that core's sdist may hold; hatchling adds the last two itself.
CORE_SDIST = {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "PKG-INFO", ".gitignore"}

# What a user without an adapter sees. It is run where only core is installed.
CORE_ALONE = """
import holdfast
try:
    holdfast.open("sqlite:///x.db")
except holdfast.AdapterNotInstalled as error:
    assert 'pip install "holdfast[sqlite]"' in str(error), error
else:
    raise SystemExit("SQLite opened without its adapter.")
"""

# Each package comes from site-packages: nothing of the checkout is on the path.
INSTALLED = """
import sys
from importlib import import_module
from pathlib import Path
from sysconfig import get_path
for name in sys.argv[1:]:
    file = Path(import_module(name).__file__)
    assert file.is_relative_to(get_path("purelib")), file
    assert file.with_name("py.typed").is_file(), name
"""

nox.options.default_venv_backend = "uv|virtualenv"
# A Python that is missing is reported (and is an error where CI is set), never fetched behind one's back.
nox.options.download_python = "never"
# uv trusts the certificates that the machine trusts, as pip does.
os.environ.setdefault("UV_SYSTEM_CERTS", "true")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    install(session, "--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy and pyright, both strict, over all but the tests: fixtures stay without types."""
    install_holdfast(session, "types")
    session.run("mypy", *SOURCES)
    session.run("pyright", *SOURCES)
    session.run("pytest", "tests/manager/test_type_checkers.py")  # what users' programs get from them


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests of core and of the adapters, against what a user installs."""
    install_holdfast(session, "test")
    short = () if session.python == PYTHONS[-1] else SHORT
    session.run("pytest", *TESTS, *short, *session.posargs)


@nox.session(python=PYTHONS[-1])
def suite(session: nox.Session) -> None:
    """The contract suite's own tests: each planted bug must be caught, whatever an author's settings."""
    install_holdfast(session, "test")
    session.run("pytest", "contract_tests", *STRICT, *session.posargs)


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """The contract suite on one adapter: ``nox -s contract -- sqlite``; on all of them without a name."""
    install_holdfast(session, "test")
    tests = {file.parents[1].name: str(file) for file in sorted(ROOT.glob("adapters/*/tests/test_contract.py"))}
    files = [tests[name] for name in session.posargs if name in tests] or list(tests.values())
    options = [option for option in session.posargs if option not in tests]
    session.run("pytest", *files, *STRICT, *options)


@nox.session(name="contract-page", default=False)
def contract_page(session: nox.Session) -> None:
    """Write docs/contract.md anew, from the suite's manifest."""
    install_holdfast(session)
    page = session.run("python", "-m", "holdfast_contract_tests", "page", silent=True)
    Path("docs/contract.md").write_text(str(page), encoding="utf-8")


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The tests again, with the oldest dependencies that we claim to support."""
    install(session, "uv")
    oldest = ("--resolution", "lowest-direct", "--build-constraints", PINS)
    session.run("uv", "pip", "install", "--no-sources", *oldest, *DISTRIBUTIONS, "--group", "test")
    session.run("pytest", *TESTS, *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """The examples, as a user runs them."""
    install_holdfast(session, "examples", "test")
    with session.chdir(session.create_tmp()):
        session.run("python", str(ROOT / "examples/quickstart.py"))
    session.run("pytest", "tests/examples", *STRICT, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The Python blocks of READMEs and pages are run, then the site is built into site/."""
    install_holdfast(session, "docs", "examples", "test")
    session.run("pytest", "docs", *READMES, *session.posargs)
    session.run("zensical", "build", "--strict", "--clean", "--config-file", ".zensical.toml")


@nox.session(name="bench-smoke")
def bench_smoke(session: nox.Session) -> None:
    """The benchmarks, only to see that they run; a loss is an error, a figure never is."""
    install_holdfast(session, "bench")
    for what in ("sqlite", "cpu", "import", "sessions"):
        session.run("python", "-m", "benchmarks", what, "--smoke", "--out", session.create_tmp())
    session.run("python", "-m", "benchmarks", "soak", "--smoke")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmarks in full: ``nox -s bench -- sqlite``. Minutes, on a machine that does nothing else."""
    install_holdfast(session, "bench")
    session.run("python", "-m", "benchmarks", *(session.posargs or ["sqlite"]))


@nox.session
def wheels(session: nox.Session) -> None:
    """What would be published, installed far from this checkout."""
    install(session, "uv")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        dist = folder / "dist"
        session.run("uv", "build", "--all-packages", "--build-constraints", PINS, "--out-dir", str(dist))
        check_core_sdist(session, next(dist.glob("holdfast-*.tar.gz")))
        for distribution in DISTRIBUTIONS:
            check_wheel(session, dist, ROOT / distribution / "src")
        try_wheels(session, folder, dist)


@nox.session(default=False)
def pins(session: nox.Session) -> None:
    """Write .ci/constraints.txt anew, with the newest versions that fit."""
    session.install("uv")
    folder = Path(session.create_tmp())
    build, pinned = folder / "build.in", folder / "pinned.txt"
    build.write_text("\n".join(nox.project.load_toml("pyproject.toml")["build-system"]["requires"]))
    inputs = [*(f"{distribution}/pyproject.toml" for distribution in DISTRIBUTIONS), str(build), "--group", "dev"]
    one_version_each = ("--universal", "--python-version", PYTHONS[0], "--fork-strategy", "fewest")
    names = (
        nox.project.load_toml(f"{distribution}/pyproject.toml")["project"]["name"]
        for distribution in DISTRIBUTIONS
    )
    ours = (f"--no-emit-package={name}" for name in names)
    plain = ("--no-header", "--no-annotate", *ours, "--output-file", str(pinned))
    session.run("uv", "pip", "compile", *inputs, *one_version_each, *plain, silent=True)
    # A pin needs no marker: it says nothing where its package is not wanted.
    lines = (line.partition(" ;")[0] for line in pinned.read_text().splitlines())
    Path(PINS).write_text("".join(f"{line}\n" for line in lines))


def install(session: nox.Session, *what: str) -> None:
    """Install something, pinned.

    Without uv's sources: they would make core editable, and the tests would run on the checkout.
    """
    pinned = ("--constraint", PINS, "--build-constraint", PINS)
    session.install(*pinned, *what, env={"UV_NO_SOURCES": "true"})


def install_holdfast(session: nox.Session, *groups: str) -> None:
    """Install core and all adapters as they would be published, and dependency groups."""
    install(session, *DISTRIBUTIONS, *(f"--group={group}" for group in groups))


def check_core_sdist(session: nox.Session, sdist: Path) -> None:
    """Core's sdist is core's alone, without the rest of the workspace."""
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    stray = [name for name in names if not name.startswith("src/holdfast/") and name not in CORE_SDIST]
    if stray:
        session.error(f"{sdist.name} holds {stray}.")


def check_wheel(session: nox.Session, dist: Path, source: Path) -> None:
    """A wheel holds every file of its source: modules, py.typed, SQL."""
    package = next(source.glob("holdfast*"))
    wheel = next(dist.glob(f"{package.name}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = (file.relative_to(source) for file in package.rglob("*") if file.is_file())
    lost = {file.as_posix() for file in files if "__pycache__" not in file.parts} - names
    if lost:
        session.error(f"{wheel.name} lacks {sorted(lost)}.")


def try_wheels(session: nox.Session, folder: Path, dist: Path) -> None:
    """Core alone, then everything, in an empty environment and an empty folder."""
    work, python = folder / "work", str(folder / "venv/bin/python")
    work.mkdir()
    for file in ("examples/quickstart.py", "examples/custom_adapter.py", "tests/examples/test_custom_adapter.py"):
        shutil.copy(ROOT / file, work)
    [core], adapters = dist.glob("holdfast-*.whl"), dist.glob("holdfast_*.whl")
    packages = [next((ROOT / distribution / "src").glob("holdfast*")).name for distribution in DISTRIBUTIONS]

    def run(*command: str) -> None:
        session.run(*command, env={"PYTHONPATH": None}, external=True)

    def pip_install(*what: str) -> None:
        # Ours by path: a package of the same name in an index is never looked at.
        run("uv", "pip", "install", "--python", python, "--constraint", str(ROOT / PINS), *what)

    run("uv", "venv", str(folder / "venv"))
    with session.chdir(work):
        pip_install(str(core))
        run(python, "-c", CORE_ALONE)
        pip_install(f"holdfast[all] @ {core.as_uri()}", *map(str, adapters))
        run(python, "-c", INSTALLED, *packages)
        run(python, "quickstart.py")
        # As the author of an adapter does, far from this repository and its settings.
        run(python, "-m", "pytest", "test_custom_adapter.py", "-k", "TestFiles", "--holdfast-profile", "smoke")
