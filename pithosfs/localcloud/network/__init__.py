"""The network service of the local cloud (network.md): networks, subnets, ports and floating IPs.

Addresses are really counted out, each at most once in its subnet; no packet ever flows.
"""
