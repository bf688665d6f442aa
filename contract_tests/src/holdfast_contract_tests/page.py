"""The page of all clauses, made from the manifest."""

from itertools import groupby

from holdfast_contract_tests.clause import CONTRACT, Clause, all_clauses

__all__ = ["contract_page"]

_HEAD = f"""\
# The contract

Version {CONTRACT}: what every adapter proves, one sentence a clause. The page is made from the suite's manifest by
`nox -s contract-page`; CI fails where it is stale. How to run the suite is told in
[Write an adapter](write-an-adapter.md).

*Needs* names the capabilities without which a clause does not apply. A clause with ⟳ is proved a second time under
a codec that writes every body differently each time. *From* is the profile from which on it is run.
"""


def contract_page() -> str:
    """The whole page."""
    clauses = all_clauses()
    sealed = {id_.removeprefix("sealed.") for id_ in clauses if id_.startswith("sealed.")}
    listed = [one for one in clauses.values() if not one.id.startswith("sealed.")]
    parts = [_HEAD, f"{len(listed)} clauses, {len(sealed)} of them proved twice.\n"]
    for area, members in groupby(listed, key=lambda one: one.id.split(".")[0]):
        parts.append(f"## {area}\n")
        parts.append("| Clause | Promise | Needs | From |\n|---|---|---|---|")
        parts += [_row(one, twice=one.id in sealed) for one in members]
        parts.append("")
    return "\n".join(parts)


def _row(one: Clause, *, twice: bool) -> str:
    promise = one.promise.replace("|", "\\|")
    name = f"`{one.id}`{' ⟳' if twice else ''}"
    return f"| {name} | {promise} | {', '.join(one.needs)} | {one.level.name.lower()} |"
