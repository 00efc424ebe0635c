"""The sync daemon: folders that are kept in step with a place in a cloud. See daemon/README.md."""
