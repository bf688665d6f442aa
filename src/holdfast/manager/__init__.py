"""What a user of any agent framework touches every day."""

from holdfast.manager.autosave import Autosave
from holdfast.manager.hooks import DataChange, Hooks
from holdfast.manager.live_session import LiveSession
from holdfast.manager.live_turn import LiveTurn
from holdfast.manager.opening import SessionOpening
from holdfast.manager.persistence import PersistenceManager

__all__ = ["Autosave", "DataChange", "Hooks", "LiveSession", "LiveTurn", "PersistenceManager", "SessionOpening"]
