"""The `pithosfs` program: click commands, one module for each group, thin over the library."""
