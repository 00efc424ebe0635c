"""From what is written on the command line to the thing that is meant: by id, or by a name that only one has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from pithosfs.errors import BadReply, BadRequest, ClientError, NoConnection, NotAllowed, NotFound, UsageError
from pithosfs_cli.command import option

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation
    from pithosfs_cli.kinds import Kind, Thing

__all__ = ["Finder", "about", "complete", "find", "find_all", "thing_argument", "thing_option", "things_argument"]

_SHORTEST_ID = 4  # characters of an id that are enough to mean it
_SHOWN = 5  # candidates in a message


class Finder:
    """Finds things of one kind; what the cloud has is asked for once, and only if a name is to be looked up.

    A text is an id, or else a name, in its own or another case, or else the beginning of one name or uuid. `exact`
    wants it whole: for what is to be deleted.
    """

    def __init__(self, run: Invocation, kind: Kind, *, exact: bool = False) -> None:
        self._run = run
        self._kind = kind
        self._exact = exact
        self._all: list[Thing] | None = None

    def __call__(self, text: str) -> Thing:
        """The thing in full. Raises NotFound, UsageError for a name of several."""
        if not text:
            raise UsageError(f"which {self._kind.noun}? An id or name is empty", hint=self._listing)
        if not self._kind.has_id_form(text):
            return self._named(text)
        try:
            return self._kind.one(self._run, text)
        except (NotFound, BadRequest):
            # A name may look like an id, too.
            named = [one for one in self._known() if self._kind.name_of(one) == text]
            return self._only(text, named)
        except NotAllowed as error:
            raise NotAllowed(
                f"the {self._kind.noun} {text} is not for you", error.status, hint=self._listing
            ) from error

    def id(self, text: str) -> str:
        """The id only: one that is given as such is believed."""
        return text if self._kind.has_id_form(text) else self._kind.id_of(self(text))

    @property
    def _listing(self) -> str:
        return f"see which there are: pithosfs {self._kind.listing}"

    def _known(self) -> list[Thing]:
        if self._all is None:
            self._all = self._kind.all(self._run)
        return self._all

    def _named(self, text: str) -> Thing:
        known, kind = self._known(), self._kind
        folded = text.casefold()
        found = [one for one in known if kind.name_of(one) == text]
        found = found or [one for one in known if kind.name_of(one).casefold() == folded]
        if not found and not self._exact:
            found = [one for one in known if self._begins(one, folded)]
        return self._only(text, found)

    def _begins(self, thing: Thing, beginning: str) -> bool:
        if self._kind.name_of(thing).casefold().startswith(beginning):
            return True
        return len(beginning) >= _SHORTEST_ID and self._kind.id_of(thing).startswith(beginning)

    def _only(self, text: str, found: Sequence[Thing]) -> Thing:
        kind = self._kind
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(kind.label(one) for one in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
            raise UsageError(
                f"{text!r} means {len(found)} {kind.noun}s: {some}", hint="give the id of the one you mean"
            )
        names = [name for one in self._known() if (name := kind.name_of(one))]
        near = difflib.get_close_matches(text, names, 1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise NotFound(f"there is no {kind.noun} {text!r}", 404, hint=guess + self._listing)


def find(run: Invocation, kind: Kind, text: str, *, exact: bool = False) -> Thing:
    """One thing, as `Finder` finds it."""
    return Finder(run, kind, exact=exact)(text)


def find_all(run: Invocation, kind: Kind, texts: Iterable[str], *, exact: bool = False) -> dict[str, Thing]:
    """Several, each once: id → thing. Raises before any of them is returned."""
    finder = Finder(run, kind, exact=exact)
    return {kind.id_of(found): found for found in map(finder, texts)}


@contextmanager
def about(kind: Kind, thing: Thing, *, hint: str = "") -> Iterator[None]:
    """Errors inside are about this thing, and say so. `hint` goes before what the kind of error advises."""
    try:
        yield
    except (ClientError, NoConnection, BadReply) as error:
        called = kind.called(thing)
        if called not in error.message:
            error.message = f"{called}: {error.message}"
        if hint:
            error.hint = hint
        elif isinstance(error, NotAllowed) and error.hint == error.default_hint:
            error.hint = f"see whose it is: pithosfs {kind.info} {kind.id_of(thing)}"
        raise


# on the command line --------------------------------------------------------------------------------------------------


def complete(kind: Kind) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Completion of the names and ids of a kind."""

    def names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from pithosfs_cli.completion import thing_names

        return thing_names(context, kind, incomplete)

    return names


def thing_argument(kind: Kind, *, metavar: str = "") -> Callable[[Any], Any]:
    """One thing as an argument, `text` of the command."""
    return click.argument("text", metavar=metavar or kind.word, shell_complete=complete(kind))


def things_argument(kind: Kind, *, metavar: str = "") -> Callable[[Any], Any]:
    """One or several, `texts` of the command."""
    return click.argument(
        "texts", metavar=f"{metavar or kind.word}...", nargs=-1, required=True, shell_complete=complete(kind)
    )


def thing_option(*names: str, kind: Kind, help: str, **settings: Any) -> Callable[[Any], Any]:
    """A thing as an option's value; `find` reads it."""
    return option(*names, metavar=kind.word, shell_complete=complete(kind), help=help, **settings)
