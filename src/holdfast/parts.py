"""The parts of a message's content: what every framework's messages can be built from.

They are close to OpenTelemetry's GenAI message parts. A part of an unknown type, and an unknown field of a
known one, are kept as they are and never refused.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Tag

from holdfast.strict import StrictModel

__all__ = [
    "KNOWN_TYPES",
    "PART_TYPES",
    "Media",
    "Other",
    "Part",
    "Reasoning",
    "Refusal",
    "Text",
    "ToolCall",
    "ToolResult",
]


class _Part(StrictModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Text(_Part):
    """Words."""

    type: Literal["text"] = "text"
    text: str


class ToolCall(_Part):
    """The model asks for a tool.

    Attributes:
        id: Names this call; the result refers to it.
        args: The arguments, keys in the model's order; or the text that was not JSON.
    """

    typed_levels: ClassVar[Mapping[str, int]] = {"args": 0}

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    args: Any = None


class ToolResult(_Part):
    """What a tool answered.

    Attributes:
        call_id: The id of the call that it answers.
        error: Whether the tool failed.
    """

    typed_levels: ClassVar[Mapping[str, int]] = {"content": 0}

    type: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str | None = None
    content: Any = None
    error: bool = False


class Reasoning(_Part):
    """What the model thought aloud; ``provider`` is its provider's own form, signatures included."""

    typed_levels: ClassVar[Mapping[str, int]] = {"provider": 0}

    type: Literal["reasoning"] = "reasoning"
    text: str | None = None
    provider: Any = None


class Media(_Part):
    """An image, a sound, a document: by reference (``uri``) or in place (``data``)."""

    type: Literal["media"] = "media"
    mime: str
    uri: str | None = None
    data: bytes | None = None
    name: str | None = None


class Refusal(_Part):
    """The model declined to answer."""

    type: Literal["refusal"] = "refusal"
    text: str


class Other(_Part):
    """Any part that is none of the above, with all its fields."""

    type: str


PART_TYPES = frozenset({Text, ToolCall, ToolResult, Reasoning, Media, Refusal, Other})
"""All kinds of parts."""

KNOWN_TYPES = frozenset({"text", "tool_call", "tool_result", "reasoning", "media", "refusal"})
"""The types of parts that have a class of their own."""


def _tag(value: Any) -> str:
    kind: Any = value["type"] if type(value) is dict and "type" in value else getattr(value, "type", None)
    return kind if type(kind) is str and kind in KNOWN_TYPES else "other"


Part = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[ToolCall, Tag("tool_call")]
    | Annotated[ToolResult, Tag("tool_result")]
    | Annotated[Reasoning, Tag("reasoning")]
    | Annotated[Media, Tag("media")]
    | Annotated[Refusal, Tag("refusal")]
    | Annotated[Other, Tag("other")],
    Discriminator(_tag),
]
"""One part of a message's content."""
