"""What the services of the sandbox share: time, tasks that end by themselves, routes, and reading of requests.

The sandbox is compute, network, image and volume: their whole protocol over tables, with no machine behind it. A change
that takes a while on a real cloud (a server being built, a port being plugged in) is a row that says when it ends
(`tasks`); whoever asks next after that moment brings the tables up to date first, so nothing runs in the background
and nothing is lost when the server stops in between.
"""

__all__ = ["SERVICES"]

SERVICES = ("compute", "network", "image", "volume")
"""What is a sandbox; identity and storage are what they say."""
