"""pithosfs: Synnefo cloud storage as a folder, a synced folder and a command line."""

__version__ = "0.1.0"
