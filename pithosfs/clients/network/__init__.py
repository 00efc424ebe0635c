"""Networks, subnets, ports and floating addresses as OpenStack has them: `NetworkClient`.

What Synnefo adds is in `clients.cyclades`.
"""

from pithosfs.clients.network.client import NetworkClient
from pithosfs.clients.network.rest_api import NetworkRestClient
from pithosfs.errors import ClientError

__all__ = ["ClientError", "NetworkClient", "NetworkRestClient"]
