"""Which FUSE library this process uses: mfusepy on libfuse 3 where that is installed, else fusepy on libfuse 2.

Both have one interface (the `FUSE` class and its structures). `PITHOSFS_FUSE=fuse3` or `fuse2` forces one. A process
can load one library only, and the choice is made once.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pithosfs.errors import ConfigError, LocalError

__all__ = ["CHOICES", "DEVICE", "Binding", "check_machine", "load"]

Choice = Literal["fuse3", "fuse2"]

CHOICES: tuple[Choice, ...] = ("fuse3", "fuse2")
DEVICE = "/dev/fuse"

# Names under which the dynamic linker knows the library, the newest first.
_SONAMES: Mapping[Choice, tuple[str, ...]] = {
    "fuse3": ("libfuse3.so.4", "libfuse3.so.3"),
    "fuse2": ("libfuse.so.2",),
}
# Python modules that can drive it. Other packages are called "fuse" too, hence the check in `_usable`.
_MODULES: Mapping[Choice, tuple[str, ...]] = {"fuse3": ("mfusepy",), "fuse2": ("fuse", "mfusepy")}

_INSTALL: Mapping[str, Mapping[Choice, str]] = {
    "apt-get": {"fuse3": "sudo apt-get install fuse3", "fuse2": "sudo apt-get install fuse libfuse2"},
    "dnf": {"fuse3": "sudo dnf install fuse3", "fuse2": "sudo dnf install fuse fuse-libs"},
    "pacman": {"fuse3": "sudo pacman -S fuse3", "fuse2": "sudo pacman -S fuse2"},
    "zypper": {"fuse3": "sudo zypper install fuse3", "fuse2": "sudo zypper install fuse libfuse2"},
    "apk": {"fuse3": "sudo apk add fuse3", "fuse2": "sudo apk add fuse"},
}


@dataclass(frozen=True, slots=True)
class Binding:
    """A loaded library: the Python module that drives it, and its major and minor version."""

    choice: Choice
    module: Any
    version: tuple[int, int]

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def library(self) -> ctypes.CDLL:
        loaded: ctypes.CDLL = self.module._libfuse
        return loaded

    @property
    def unmount_program(self) -> str:
        """The program that mounts and unmounts for ordinary users."""
        return "fusermount3" if self.major == 3 else "fusermount"

    def __str__(self) -> str:
        return f"{self.module.__name__} on libfuse {self.version[0]}.{self.version[1]}"


def load(environ: Mapping[str, str] = os.environ) -> Binding:
    """The library for this process. Raises LocalError when there is none, ConfigError for an unknown PITHOSFS_FUSE."""
    forced = environ.get("PITHOSFS_FUSE", "").strip()
    if forced and forced not in CHOICES:
        raise ConfigError(f"PITHOSFS_FUSE is {forced!r}", hint="use fuse3 or fuse2, or leave it unset")
    for choice in CHOICES:
        if forced in ("", choice) and (found := _load(choice)) is not None:
            return found
    missing: Choice = "fuse2" if forced == "fuse2" else "fuse3"
    raise LocalError(f"the system library of FUSE is missing ({_SONAMES[missing][-1]})", hint=install_hint(missing))


def install_hint(choice: Choice = "fuse3") -> str:
    """How to install the library with the package tool of this machine."""
    for tool, commands in _INSTALL.items():
        if shutil.which(tool):
            return f"install it: {commands[choice]}"
    return "install the package fuse3 of your distribution"


def check_machine(binding: Binding, *, allow_other: bool) -> None:
    """Raises LocalError when this machine will not let this user mount."""
    _check_device()
    if os.geteuid() == 0:
        return
    program = binding.unmount_program
    if shutil.which(program) is None:
        raise LocalError(f"the program {program} is missing", hint=install_hint(binding.choice))
    if allow_other and not _others_allowed():
        raise LocalError(
            "only root may let other users into a mount",
            hint="add the line user_allow_other to /etc/fuse.conf, or mount without --allow-other",
        )


@cache
def _load(choice: Choice) -> Binding | None:
    for soname in _SONAMES[choice]:
        try:
            ctypes.CDLL(soname)
        except OSError:
            continue
        for name in _MODULES[choice]:
            module = _import_with(name, soname)
            if module is not None and _usable(module):
                version = _version(module._libfuse)
                if version[0] == (3 if choice == "fuse3" else 2):
                    return Binding(choice, module, version)
    return None


def _import_with(name: str, library: str) -> Any:
    """Import a binding so that it loads exactly that library: left alone, they prefer libfuse 2 and run ldconfig."""
    before = os.environ.get("FUSE_LIBRARY_PATH")
    os.environ["FUSE_LIBRARY_PATH"] = library
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, AttributeError):
        return None
    finally:
        if before is None:
            del os.environ["FUSE_LIBRARY_PATH"]
        else:
            os.environ["FUSE_LIBRARY_PATH"] = before


def _usable(module: Any) -> bool:
    return all(hasattr(module, name) for name in ("FUSE", "_libfuse", "fuse_operations", "fuse_file_info", "c_stat"))


def _version(library: ctypes.CDLL) -> tuple[int, int]:
    number = int(library.fuse_version())
    return (number // 100, number % 100) if number >= 100 else (number // 10, number % 10)


def _check_device() -> None:
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        raise LocalError(
            f"this user may not open {DEVICE}", hint=f"sudo chmod 666 {DEVICE}, or join the group that owns it"
        ) from None
    except OSError:
        raise LocalError(
            f"there is no {DEVICE}",
            hint="sudo modprobe fuse; in a container: start it with --device /dev/fuse --cap-add SYS_ADMIN",
        ) from None


def _others_allowed() -> bool:
    try:
        with open("/etc/fuse.conf", encoding="utf-8", errors="replace") as conf:  # noqa: PTH123 (a fixed system path)
            return any(line.strip() == "user_allow_other" for line in conf)
    except OSError:
        return False
