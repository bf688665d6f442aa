"""Holdfast in the process's own memory: for tests, and the reference adapter to read."""

from holdfast_memory._adapter import MemoryAdapter

__all__ = ["MemoryAdapter"]
