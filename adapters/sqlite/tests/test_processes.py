"""What a process that uses SQLite must also do: end. All else of processes is in the contract suite."""


def test_a_program_that_forgets_to_close_still_ends(path, start):
    process = start("forget.py", path)
    out, _ = process.communicate(timeout=20)
    assert out == "end of main\n"
