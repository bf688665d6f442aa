"""The plugin, in the projects of authors: whatever their settings, clauses are neither broken nor silenced."""

import json
import sys

import pytest

MEMORY = """
    from holdfast_contract_tests import AdapterContract
    from holdfast_memory import MemoryAdapter

    class TestMine(AdapterContract):
        def make_adapter(self, env):
            return MemoryAdapter(**env.options)
"""
BROKEN = """
    from holdfast.toolkit import Done, StoreAdapter
    from holdfast_contract_tests import AdapterContract
    from holdfast_memory._store import MemoryStore

    class Broken(MemoryStore):
        async def flush(self, writes):
            done = await super().flush(writes)
            return [self.moved(one) if isinstance(one, Done) else one for one in done]

        def moved(self, one):
            return one._replace(seqs=tuple(seq + 1 for seq in one.seqs))

    class TestMine(AdapterContract):
        def make_adapter(self, env):
            return StoreAdapter(Broken(), translate=lambda error, running: None, options=env.options)
"""
PART = ("-k", "order or races_versions", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester):
    """Runs pytest in another process, as an author does, on some of the clauses."""

    def run(source, *arguments, settings=""):
        pytester.makepyfile(test_mine=source)
        pytester.makeini(f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{settings}")
        return pytester.runpytest_subprocess(*(arguments or PART))

    return run


def outcomes(result):
    """The counts of the summary line of ours."""
    [line] = [line for line in result.outlines if line.startswith("holdfast contract 0.1, ")]
    counts = line.rsplit(": ", 1)[1]
    return {verdict: int(number) for number, verdict in (part.split() for part in counts.split(", "))}


SETTINGS = [
    "",
    "addopts = --strict-markers --strict-config -W error -ra\nxfail_strict = true\nasyncio_mode = auto",
    "asyncio_mode = strict\nfilterwarnings = error\npython_functions = check_*\npython_classes = Spec*",
    "addopts = --import-mode=importlib --assert=plain\npython_classes = *Contract Test*\npython_functions = *",
    "addopts = -p no:asyncio -p no:hypothesispytest",
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_no_setting_of_an_author_silences_the_clauses(project, settings):
    result = project(MEMORY, settings=settings)
    assert result.ret == 0, result.outlines
    counts = outcomes(result)
    assert counts["PASS"] >= 8
    assert counts.keys() <= {"PASS", "UNSUPPORTED"}


@pytest.mark.parametrize("settings", SETTINGS[2:4])
def test_no_setting_of_an_author_lets_a_broken_adapter_pass(project, settings):
    result = project(BROKEN, settings=settings)
    assert result.ret == 1
    assert outcomes(result)["FAIL"] >= 1


def test_workers_of_xdist_share_the_seed_and_give_one_card(project, pytester):
    result = project(MEMORY, *PART, "-n", "2", "--holdfast-report", "card.json", "--holdfast-seed", "7")
    assert result.ret == 0, result.outlines
    [card] = json.loads((pytester.path / "card.json").read_text())["cards"]
    assert card["seed"] == 7
    assert card["totals"]["PASS"] == sum(clause["verdict"] == "PASS" for clause in card["clauses"]) >= 8


def test_random_order_changes_nothing(project):
    result = project(MEMORY, *PART, "--random-order", "--random-order-bucket=global")
    assert result.ret == 0, result.outlines
    assert outcomes(result)["PASS"] >= 8


def test_a_failure_says_what_was_promised_what_was_found_and_which_calls_led_there(project):
    result = project(BROKEN, "-k", "test_order_dense", "--holdfast-seed", "7")
    result.stdout.fnmatch_lines(
        [
            "order.dense: FAIL (TestMine)",
            "*promised*Positions are 1, 2, 3*",
            "*found*positions*is 2, expected 1*",
            "*proof*clauses/order.py:* in *",
            "*calls*initialize()*",
            "*messages.append('s', *",
            "*again*pytest 'test_mine.py::TestMine::test_order_dense' --holdfast-seed=7",
        ]
    )
    text = result.stdout.str()
    screen = text[text.index("order.dense: FAIL") : text.index("again ")]
    assert len(screen.splitlines()) < 40


OVERRIDDEN = [
    "def test_order_dense(self): pass",
    "test_order_dense = None",
    "async def test_order_dense(self): pass",
]


@pytest.mark.parametrize("override", OVERRIDDEN)
def test_a_clause_that_is_overridden_fails(project, override):
    result = project(f"{MEMORY}\n        {override}\n", "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*A clause cannot be overridden or removed*"])


@pytest.mark.parametrize("how", ["pytest.skip", "raise NotRun"])
def test_a_skip_is_not_run_and_fails_where_it_is_strict(project, how):
    source = f"""
        import pytest
        from holdfast_contract_tests import AdapterContract, NotRun

        class TestMine(AdapterContract):
            def make_adapter(self, env):
                {how}("no server here")
    """
    result = project(source)
    assert result.ret == 0
    assert set(outcomes(result)) == {"NOT_RUN"}
    result.stdout.fnmatch_lines(["*NOT_RUN no server here: *order.dense*"])
    strict = project(source, *PART, "--holdfast-strict")
    assert strict.ret == 1
    assert set(outcomes(strict)) == {"NOT_RUN"}


def test_a_skip_of_an_authors_fixture_is_not_run(project):
    source = """
        import pytest
        from holdfast_contract_tests import AdapterContract
        from holdfast_memory import MemoryAdapter

        class TestMine(AdapterContract):
            @pytest.fixture(autouse=True)
            def database(self):
                pytest.skip("no database")

            def make_adapter(self, env):
                return MemoryAdapter(**env.options)
    """
    assert set(outcomes(project(source))) == {"NOT_RUN"}
    assert project(source, *PART, "--holdfast-strict").ret == 1


def test_fixtures_and_tests_of_the_author_run_beside_the_clauses(project):
    source = """
        import pytest
        from holdfast_contract_tests import AdapterContract
        from holdfast_memory import MemoryAdapter

        class TestMine(AdapterContract):
            @pytest.fixture(autouse=True)
            def database(self, request):
                self.test = request.node.name
                yield
                del self.test

            async def make_adapter(self, env):
                assert self.test.startswith("test_")
                return MemoryAdapter(**env.options)

            def test_my_own_order(self):
                assert self.test == "test_my_own_order"
    """
    result = project(source)
    assert result.ret == 0, result.outlines
    assert result.parseoutcomes()["passed"] == outcomes(result)["PASS"] + 1


def test_a_class_in_a_function_is_told_to_move_where_processes_are_needed(project):
    source = """
        from holdfast_contract_tests import AdapterContract
        from holdfast_sqlite import SQLiteAdapter

        def make():
            class TestMine(AdapterContract):
                def make_adapter(self, env):
                    return SQLiteAdapter(env.path / "x.db", **env.options)
            return TestMine

        TestMine = make()
    """
    result = project(source, "-k", "processes_cursor")
    result.stdout.fnmatch_lines(["*NOT_RUN TestMine is inside a function*: processes.cursor"])


def test_a_class_without_make_adapter_is_told_so(project):
    source = "from holdfast_contract_tests import AdapterContract\nclass TestMine(AdapterContract): pass\n"
    result = project(source, "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*TestMine needs a method make_adapter(self, env)*"])


def test_a_parametrised_class_is_told_to_be_several(project):
    source = MEMORY.replace(
        "    class TestMine", "    import pytest\n\n    @pytest.mark.parametrize('x', [1])\n    class TestMine"
    )
    result = project(source, "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*derive one class for each way*"])


def test_a_class_with_an_init_is_told_so(project):
    result = project(f"{MEMORY}\n        def __init__(self): pass\n")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*TestMine has an __init__*"])


def test_unsupported_is_no_way_out_of_make_adapter(project):
    source = MEMORY.replace("return MemoryAdapter(**env.options)", "raise Unsupported('no')").replace(
        "import AdapterContract", "import AdapterContract, Unsupported"
    )
    result = project(source, "-k", "order_dense")
    assert outcomes(result) == {"FAIL": 1}


def test_a_package_with_relative_imports_can_be_imported_by_processes(project, pytester):
    package = pytester.mkpydir("mine")
    (package / "where.py").write_text("NAME = 'x.db'\n")
    (package / "test_it.py").write_text(
        "from holdfast_contract_tests import AdapterContract\n"
        "from holdfast_sqlite import SQLiteAdapter\n"
        "from .where import NAME\n"
        "class TestMine(AdapterContract):\n"
        "    def make_adapter(self, env):\n"
        "        return SQLiteAdapter(env.path / NAME, **env.options)\n"
    )
    for mode in ("prepend", "importlib"):
        result = project("", "mine", "-k", "processes_cursor", f"--import-mode={mode}")
        assert outcomes(result) == {"PASS": 1}, result.outlines


def test_the_card_names_the_clauses_that_were_not_selected(project, pytester):
    project(MEMORY, "-k", "order_dense", "--holdfast-report", "card.json")
    [card] = json.loads((pytester.path / "card.json").read_text())["cards"]
    left_out = [clause for clause in card["clauses"] if clause["reason"] == "not selected"]
    assert len(left_out) == len(card["clauses"]) - 1 > 400
    assert card["adapter_version"].startswith("holdfast-memory ")


def test_a_make_adapter_that_gives_nothing_is_told_so(project):
    result = project(MEMORY.replace("return ", ""), "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*make_adapter(env) gave None, which is no adapter*"])


def test_a_database_that_all_tests_share_is_told_so(project, tmp_path):
    source = f"""
        from holdfast_contract_tests import AdapterContract
        from holdfast_sqlite import SQLiteAdapter

        class TestMine(AdapterContract):
            def make_adapter(self, env):
                return SQLiteAdapter({str(tmp_path / "one.db")!r}, **env.options)
    """
    result = project(source, "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*make_adapter(env) must keep its data under env.namespace, or in env.path.*"])


def test_a_module_that_cannot_be_imported_is_told_as_pytest_tells_it(project):
    result = project("import nope")
    result.stdout.fnmatch_lines(["*No module named 'nope'*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_an_adapter_that_cannot_be_opened_fails_with_its_own_words(project):
    source = MEMORY.replace("return MemoryAdapter(**env.options)", "raise ConnectionError('nobody is there')")
    result = project(source, "-k", "order_dense")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ConnectionError: 'nobody is there'*"])


def test_the_smoke_profile_leaves_the_slow_clauses_out(project):
    result = project(MEMORY, "-k", "model_games or order_dense", "--holdfast-profile", "smoke")
    assert outcomes(result) == {"PASS": 1}


def test_the_suite_runs_without_a_file(pytester):
    pytester.makepyfile(
        my_adapter="""
        from holdfast_memory import MemoryAdapter

        def make(env):
            return MemoryAdapter(**env.options)
        """
    )
    result = pytester.run(
        *(sys.executable, "-m", "holdfast_contract_tests", "my_adapter:make"),
        *("-k", "order", "--holdfast-report", "card.json"),
    )
    assert result.ret == 0, result.outlines
    assert (pytester.path / "card.json").is_file()
