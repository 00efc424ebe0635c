"""`pithosfs scripts verifyfs`."""

from __future__ import annotations

from fixtures.cli import Cli, finish
from fixtures.contents import Contents
from fixtures.invoker import Invoker

from pithosfs.store import Sharing


def spoil(own: Contents) -> None:
    own.put("dir", b"a file")
    own.share("dir", read=("*",))
    own.put("dir/below", b"x")
    own.put("deep/er/still", b"y")
    own.folder("win\\dows")
    own.folder("fine")
    own.put("fine/too", b"z")


def test_it_tells_what_is_wrong(program: Invoker, own: Contents) -> None:
    spoil(own)
    before = own.names()
    result = program("scripts", "verifyfs", "pithos")
    assert result.code == 1
    assert "4 problems left in /pithos" in result.err
    assert "--fix-dir-names --fix-conflicts --fix-missing-dirs" in result.err
    assert [line.split("  ")[0] for line in result.out.splitlines()[1:]] == [
        "the folder's name has \\",
        "a file stands where a folder belongs",
        "there is no such folder",
        "there is no such folder",
    ]
    assert program("scripts", "verifyfs", "/pithos", "--fix-missing-dirs", "--dry-run").code == 0
    assert own.names() == before


def test_it_repairs_all(program: Invoker, own: Contents) -> None:
    spoil(own)
    fixes = ("--fix-dir-names", "--fix-conflicts", "--fix-missing-dirs")
    found = program.ok("scripts", "verifyfs", "pithos", *fixes, "--yes", "-j").json
    assert all(one["repaired"] for one in found)
    assert own.read("dir (file)") == b"a file"
    assert {"win/dows", "win", "dir", "deep", "deep/er"} <= set(own.names())
    assert own.rule("dir (file)") == Sharing(read=("*",))
    assert program.ok("scripts", "verifyfs", "pithos").out == ""


def test_each_repair_is_asked_about(cli: Cli, own: Contents) -> None:
    own.put("a/x", b"")
    own.put("b/x", b"")
    assert cli("scripts", "verifyfs", "pithos", "--fix-missing-dirs").code == 2
    run = cli.terminal("scripts", "verifyfs", "pithos", "--fix-missing-dirs")
    run.expect_exact("/pithos/a: there is no such folder; make the folder? [y/N]: ")
    run.sendline("n")
    run.expect_exact("/pithos/b: there is no such folder; make the folder? [y/N]: ")
    run.sendline("y")
    shown, code = finish(run)
    assert code == 1
    assert "1 problem left" in shown
    assert sorted(own.names()) == ["a/x", "b", "b/x"]
