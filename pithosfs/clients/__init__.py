"""Clients of the cloud's services, under the names that existing programs use.

`connect(cloud)` authenticates and knows where each service is; the classes of the modules beside this one are made from
an endpoint and a token.
"""

from pithosfs.clients.client import Client
from pithosfs.clients.connecting import Connection, connect
from pithosfs.clients.waiting import Waiter
from pithosfs.errors import ClientError

__all__ = ["Client", "ClientError", "Connection", "Waiter", "connect"]
