"""The compute service of the local cloud (compute.md): servers, flavors, key pairs and what belongs to servers.

No machine is behind a server: it has states, addresses and volumes, and is charged, and that is all.
"""
