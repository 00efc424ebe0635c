"""The server process: `python -m pithosfs.localcloud --data DIR`.

People use `pithosfs localcloud start`, which runs this in the background (`--announce`).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from pithosfs.errors import LocalError, UsageError
from pithosfs.localcloud import process
from pithosfs.localcloud.datadir import Record
from pithosfs.localcloud.sandbox.timing import DEFAULT_DELAY, Timing
from pithosfs.localcloud.server import serve


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pithosfs.localcloud", description="Run the local cloud's server.")
    parser.add_argument("--data", type=Path, required=True, help="the data directory")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="the port (0, the default: the last one, or any free one)")
    parser.add_argument("--base-url", default=None, help="the address that clients are told")
    parser.add_argument(
        "--sandbox-delay",
        type=float,
        default=DEFAULT_DELAY,
        metavar="SECONDS",
        help=f"how long what is done to servers takes (default: {DEFAULT_DELAY})",
    )
    parser.add_argument(
        "--announce",
        action="store_true",
        help="say on standard output, as one line of JSON, that the server is ready or why it is not",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o077)
    try:
        if options.announce:
            os.chdir("/")  # so that no mount is kept busy
            timing = Timing(options.sandbox_delay)
            serve(options.data, options.host, options.port, options.base_url, timing, ready=_say_ready)
        else:
            process.start(
                options.data,
                options.host,
                options.port,
                foreground=True,
                base_url=options.base_url,
                sandbox_delay=options.sandbox_delay,
            )
    except (LocalError, UsageError) as error:
        if options.announce:
            _say({"error": error.message, "hint": error.hint})
        else:
            print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    return 0


def _say_ready(record: Record) -> None:
    _say({"ready": record.url})


def _say(answer: dict[str, str]) -> None:
    """Tell the parent, and close the way to it: nothing else may come, and it may wait for the end of the pipe."""
    os.write(1, json.dumps(answer).encode() + b"\n")
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main())
