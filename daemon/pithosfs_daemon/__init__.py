"""The sync daemon's program. Syncing itself is not part of this version."""
