"""The mount: a cloud account as a folder (design, section 5)."""
