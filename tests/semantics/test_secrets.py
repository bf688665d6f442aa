"""No password of a URL is in an error: neither in its text, nor in its causes."""

import pytest

import holdfast
from holdfast import HoldfastError

SECRET = "".join(["hun", "ter", "2"])


def told(error):
    """All that an error and what led to it would print."""
    seen, texts = set(), []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}#et@h:x",
        f"nosuch://user:{SECRET}@host/db",
        f"memory://user:{SECRET}@host",
        f"memory://:{SECRET}@",
        f"sqlite://user:{SECRET}@host/x.db",
        f"sqlite:///x.db?password={SECRET}&timeout=x",
        f"sqlite:///x.db?timeout={SECRET}",
        f"sqlite:///x.db?timeout=1&timeout={SECRET}",
        f"sqlite:///x.db?{SECRET}",
        f"sqlite:///x.db#{SECRET}",
        f"memory://[{SECRET}",
        f"sqlite://:{SECRET}@h:99999999/x?readers=1",
        f"{SECRET}",
        f"//{SECRET}@host",
    ],
)
def test_no_password_of_a_url_is_in_an_error(url):
    with pytest.raises(HoldfastError) as caught:
        holdfast.open(url)
    assert SECRET not in told(caught.value)
