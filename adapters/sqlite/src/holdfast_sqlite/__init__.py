"""Holdfast on SQLite: durable chats in one file, no server."""

from holdfast_sqlite._adapter import SQLiteAdapter

__all__ = ["SQLiteAdapter"]
