"""The user's own data: its type, and its migrations."""
