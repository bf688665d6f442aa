"""A session in use: its turns, its state, and how they become durable."""
