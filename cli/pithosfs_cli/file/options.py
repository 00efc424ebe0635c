"""Options that several of the `file` commands have."""

from __future__ import annotations

import click

__all__ = ["dry_run_option", "transfer_options", "version_option"]

version_option = click.option("--object-version", metavar="ID", help="This version instead of the newest.")
transfer_options = [
    click.option(
        "--threads", "--jobs", type=click.IntRange(1, 64), default=5, metavar="N", help="Connections (default: 5)."
    ),
    click.option("-N", "--no-progress-bar", is_flag=True, help="Show no progress bars."),
]
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only say what would be done; the cloud is asked, and nothing is changed."
)
