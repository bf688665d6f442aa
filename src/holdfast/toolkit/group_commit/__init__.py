"""Group commit: what gathers while one flush is under way is the next one.

Read ``queue`` first: it is the whole of it, in terms of the others. ``admission`` says who may enter the queue,
``lanes`` what is flushed next, ``flusher`` how a batch is sent and answered, ``failures`` what an error means.
"""

from holdfast.toolkit.group_commit.queue import GroupCommit

__all__ = ["GroupCommit"]
