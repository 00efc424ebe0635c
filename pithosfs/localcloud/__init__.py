"""The embedded local cloud: a server of the Synnefo APIs for one machine, with its state in one folder.

`process` starts and stops it and keeps its users; `app` puts its services together. It shares with the client side only
hash arithmetic, configuration and errors: the wire between them is the contract.
"""
