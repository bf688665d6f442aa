"""Holdfast keeps the sessions, messages and state of agents safe, on the database that you already run."""

from holdfast.capabilities import Capability, Durability, Finding, Limits
from holdfast.errors import *  # noqa: F403 - the errors are public names, all of them
from holdfast.errors import __all__ as _errors
from holdfast.manager import LiveSession, LiveTurn, PersistenceManager
from holdfast.models import Committed, Message, Page, RouteVisit, Session, SessionInfo, SessionQuery, Turn
from holdfast.parts import Media, Other, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from holdfast.registry import Opening, open  # noqa: A004 - holdfast.open, as in gzip.open
from holdfast.repositories import Adapter, MessageRepository, SessionRepository

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "Capability",
    "Committed",
    "Durability",
    "Finding",
    "Limits",
    "LiveSession",
    "LiveTurn",
    "Media",
    "Message",
    "MessageRepository",
    "Opening",
    "Other",
    "Page",
    "Part",
    "PersistenceManager",
    "Reasoning",
    "Refusal",
    "RouteVisit",
    "Session",
    "SessionInfo",
    "SessionQuery",
    "SessionRepository",
    "Text",
    "ToolCall",
    "ToolResult",
    "Turn",
    "open",
    *_errors,
]
