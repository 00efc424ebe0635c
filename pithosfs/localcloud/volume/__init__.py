"""The volume service of the local cloud (compute.md 9): volumes, their types, and snapshots.

A volume has a size and is charged, but holds no bytes; a snapshot is an object of that many zeros in the store.
"""
