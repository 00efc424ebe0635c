"""What a pair remembers: SQLite with what both sides last agreed on and how each was last seen."""

from pithosfs_daemon.state.agreement import Place
from pithosfs_daemon.state.database import NotNoted
from pithosfs_daemon.state.nodes import Agreed, Node, RemoteSeen
from pithosfs_daemon.state.state import Conflict, Counts, State

__all__ = ["Agreed", "Conflict", "Counts", "Node", "NotNoted", "Place", "RemoteSeen", "State"]
