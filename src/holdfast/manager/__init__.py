"""What a user of any agent framework touches every day."""

from holdfast.manager.hooks import DataChange, Hooks
from holdfast.manager.live.autosave import Autosave
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.live.live_turn import LiveTurn
from holdfast.manager.live.opening import SessionOpening
from holdfast.manager.persistence import PersistenceManager
from holdfast.manager.upkeep.cleaning import Cleaned, CleanupPlan
from holdfast.manager.upkeep.erasing import Erased
from holdfast.manager.upkeep.health import Health
from holdfast.manager.upkeep.importing import Imported

__all__ = [
    "Autosave",
    "Cleaned",
    "CleanupPlan",
    "DataChange",
    "Erased",
    "Health",
    "Hooks",
    "Imported",
    "LiveSession",
    "LiveTurn",
    "PersistenceManager",
    "SessionOpening",
]
