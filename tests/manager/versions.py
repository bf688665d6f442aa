"""Three versions of a program, for the tests of data that an older one has written."""


def split_name(data):
    """1 to 2: a new dict."""
    first, _, last = data["name"].partition(" ")
    return {**{key: value for key, value in data.items() if key != "name"}, "first": first, "last": last}


def list_tags(data):
    """2 to 3: in place, deep inside too."""
    data["tags"] = data.pop("tag", "").split()
    data.setdefault("deep", {}).setdefault("seen", []).append(3)
    return data


STEPS = {1: split_name, 2: list_tags}
OLD = {"name": "Jane Doe", "tag": "a b", "deep": {"seen": [1]}}
NEW = {"first": "Jane", "last": "Doe", "tags": ["a", "b"], "deep": {"seen": [1, 3]}}


async def raw(program):
    session = await program(1).load("s", raw=True)
    return session.version, session.schema_version, session.data


async def begin(manager, data=OLD):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "x")
        session.data |= data
