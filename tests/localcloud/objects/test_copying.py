"""COPY, MOVE and PUT from another object (object-store.md 7.4)."""

from __future__ import annotations

from typing import Any

import pytest

B = 4 * 1024 * 1024


def state(person: Any, path: str) -> tuple[bytes, str, str]:
    """Content, type and the metadata key A."""
    answer = person("GET", path)
    assert answer.status == 200, answer
    return answer.body, answer.headers["content-type"], answer.headers.get("x-object-meta-a", "")


def transfer(person: Any, kind: str, source: str, target: str, **headers: str) -> Any:
    """The four ways to say it."""
    if kind in ("COPY", "MOVE"):
        return person(kind, source, None, Destination=f"/{target}", **headers)
    return person("PUT", target, b"", raw={kind: f"/{source}"}, **headers)


COPIES = ["COPY", "X-Copy-From"]
MOVES = ["MOVE", "X-Move-From"]


@pytest.fixture
def one(alice: Any) -> Any:
    alice.put("c/o", b"data", type="image/png", X_Object_Meta_A="1", X_Object_Meta_B="2", Content_Encoding="gzip")
    alice("POST", "c/o?update", b"", X_Object_Sharing="read=*", X_Object_Public="true")
    alice.make("d")
    return alice


class TestBoth:
    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_new_name(self, one: Any, kind: str) -> None:
        uuid = one("HEAD", "c/o").headers["x-object-uuid"]
        answer = transfer(one, kind, "c/o", "d/p/q")
        assert answer.status == 201
        headers = one("HEAD", "d/p/q").headers
        assert answer.headers["x-object-version"] == headers["x-object-version"]
        assert "etag" not in answer.headers
        assert state(one, "d/p/q") == (b"data", "image/png", "1")
        assert headers["content-encoding"] == "gzip"
        assert "x-object-sharing" not in headers
        assert "x-object-public" not in headers
        assert (headers["x-object-uuid"] == uuid) is (kind in MOVES)
        assert one("HEAD", "c/o").status == (404 if kind in MOVES else 200)
        assert len(one.versions("c/o")) == 1
        assert len(one.versions("d/p/q")) == 1

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_onto_an_existing_one(self, one: Any, kind: str) -> None:
        one.put("d/p", b"old", X_Object_Sharing="write=x", X_Object_Public="true")
        before = one("HEAD", "d/p").headers
        assert transfer(one, kind, "c/o", "d/p").status == 201
        after = one("HEAD", "d/p").headers
        for name in ("x-object-sharing", "x-object-public"):
            assert after[name] == before[name]
        assert after["x-object-uuid"] != before["x-object-uuid"]
        assert state(one, "d/p") == (b"data", "image/png", "1")
        assert len(one.versions("d/p")) == 2

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_headers_of_the_target(self, one: Any, kind: str) -> None:
        answer = transfer(
            one,
            kind,
            "c/o",
            "c/p",
            X_Object_Meta_A="",
            X_Object_Meta_C="3",
            Content_Encoding="br",
            X_Object_Sharing="read=someone",
            X_Object_Public="true",
        )
        assert answer.status == 201
        headers = one("HEAD", "c/p").headers
        assert {key: value for key, value in headers.items() if key.startswith("x-object-meta")} == {
            "x-object-meta-b": "2",
            "x-object-meta-c": "3",
        }
        assert (headers["content-encoding"], headers["x-object-sharing"]) == ("br", "read=someone")
        assert "x-object-public" in headers

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_content_type(self, one: Any, kind: str) -> None:
        transfer(one, kind, "c/o", "c/p", Content_Type="a/b")
        assert state(one, "c/p")[1] == "a/b"
        transfer(one, kind, "c/p", "c/q?ignore_content_type" if kind.startswith("X") else "c/q")
        assert state(one, "c/q")[1] == "a/b"

    @pytest.mark.parametrize("kind", COPIES)
    def test_content_type_ignored(self, one: Any, kind: str) -> None:
        if kind == "COPY":
            one("COPY", "c/o?ignore_content_type", None, Destination="/c/p", Content_Type="a/b")
        else:
            one("PUT", "c/p?ignore_content_type", b"", X_Copy_From="/c/o", Content_Type="a/b")
        assert state(one, "c/p")[1] == "image/png"

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_onto_itself(self, one: Any, kind: str) -> None:
        before = one("HEAD", "c/o").headers
        assert transfer(one, kind, "c/o", "c/o", Content_Type="new/type").status == 201
        after = one("HEAD", "c/o").headers
        assert state(one, "c/o") == (b"data", "new/type", "1")
        for name in ("x-object-uuid", "x-object-sharing", "x-object-public"):
            assert after[name] == before[name]
        assert len(one.versions("c/o")) == 2

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    @pytest.mark.parametrize("path", ["c/o", "/c", "/c/", "//o", "", "/"])
    def test_bad_paths(self, one: Any, kind: str, path: str) -> None:
        if kind in ("COPY", "MOVE"):
            answer = one(kind, "c/o", None, Destination=path)
        else:
            answer = one("PUT", "c/p", b"", raw={kind: path})
        assert (answer.status, answer.fault()) == (400, "badRequest")
        assert one.list() == ["o"]

    def test_no_destination(self, one: Any) -> None:
        assert one("COPY", "c/o").status == 400
        assert one("PUT", "c/p", None, X_Copy_From="/c/o").status == 411

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    @pytest.mark.parametrize(("source", "target"), [("c/absent", "c/p"), ("absent/o", "c/p"), ("c/o", "absent/p")])
    def test_absent(self, one: Any, kind: str, source: str, target: str) -> None:
        assert transfer(one, kind, source, target).status == 404
        assert one.list() == ["o"]

    def test_paths_are_decoded_once(self, one: Any) -> None:
        assert one("COPY", "c/o", None, Destination="/c/%C3%A9%2520/x").status == 201
        assert one.list() == ["o", "é%20/x"]

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_conditions(self, one: Any, kind: str) -> None:
        etag = one("HEAD", "c/o").headers["etag"]
        one.put("c/p", b"other")
        on_source = kind in ("COPY", "MOVE")
        assert transfer(one, kind, "c/o", "c/p", If_None_Match="*").status == 412
        assert transfer(one, kind, "c/o", "c/p", If_Match="x").status == 412
        assert transfer(one, kind, "c/o", "c/p", If_Match=etag).status == (201 if on_source else 412)

    @pytest.mark.parametrize("kind", ["X-Copy-From", "X-Move-From"])
    def test_create_only(self, one: Any, kind: str) -> None:
        assert transfer(one, kind, "c/o", "c/p", If_None_Match="*").status == 201

    def test_blocks_stay(self, one: Any) -> None:
        data = b"x" * B + b"y" * 10
        one.put("c/big", data)
        one("COPY", "c/big", None, Destination="/c/copy")
        one("MOVE", "c/big", None, Destination="/c/moved")
        one("DELETE", "c/copy?until=99999999999")
        assert one("GET", "c/moved").body == data
        assert one("GET", "c/moved?hashmap").json()["bytes"] == B + 10


class TestVersions:
    def test_copy_of_an_old_one(self, one: Any) -> None:
        old = one.put("c/v", b"old", type="old/type", X_Object_Meta_A="old").headers["x-object-version"]
        one.put("c/v", b"new", type="new/type", X_Object_Meta_B="new")
        assert one("COPY", "c/v", None, Destination="/c/w", X_Source_Version=old).status == 201
        assert state(one, "c/w")[0::2] == (b"old", "old")
        assert one("COPY", "c/v", None, Destination="/c/w", X_Source_Version="12345678").status == 404

    def test_restore(self, one: Any) -> None:
        old = one.put("c/v", b"old", type="old/type", X_Object_Sharing="read=*").headers["x-object-version"]
        uuid = one("HEAD", "c/v").headers["x-object-uuid"]
        one("DELETE", "c/v")
        answer = one("COPY", "c/v", None, Destination="/c/v", X_Source_Version=old, Content_Type="old/type")
        assert answer.status == 201
        headers = one("HEAD", "c/v").headers
        assert one("GET", "c/v").body == b"old"
        assert headers["x-object-uuid"] != uuid
        assert "x-object-sharing" not in headers

    def test_moves_take_the_newest(self, one: Any) -> None:
        old = one.put("c/v", b"old").headers["x-object-version"]
        one.put("c/v", b"new")
        one("MOVE", "c/v", None, Destination="/c/w", X_Source_Version=old)
        assert one("GET", "c/w").body == b"new"
        assert len(one.versions("c/v")) == 2


class TestFolders:
    @pytest.fixture
    def tree(self, alice: Any) -> Any:
        alice.make("d")
        for name in ("a", "a/x", "a/y/z", "a.txt", "ab"):
            alice.put(f"c/{name}", name.encode(), type="application/directory" if name == "a" else "text/plain")
        alice("POST", "c/a/x?update", b"", X_Object_Sharing="read=*", X_Object_Meta_A="1")
        return alice

    @pytest.mark.parametrize("kind", COPIES + MOVES)
    def test_everything_below(self, tree: Any, kind: str) -> None:
        if kind in ("COPY", "MOVE"):
            answer = tree(kind, "c/a?delimiter=/", None, Destination="/d/b", X_Object_Meta_A="root")
        else:
            answer = tree("PUT", "d/b?delimiter=/", b"", raw={kind: "/c/a"}, X_Object_Meta_A="root")
        assert answer.status == 201
        assert answer.headers["x-object-version"] == tree("HEAD", "d/b").headers["x-object-version"]
        assert tree.list("d") == ["b", "b/x", "b/y/z"]
        assert state(tree, "d/b/x") == (b"a/x", "text/plain", "1")
        assert state(tree, "d/b")[2] == "root"
        assert "x-object-sharing" not in tree("HEAD", "d/b/x").headers
        left = ["a.txt", "ab"] if kind in MOVES else ["a", "a.txt", "a/x", "a/y/z", "ab"]
        assert tree.list() == left
        counts = [tree("HEAD", one).headers["x-container-object-count"] for one in "cd"]
        assert counts == [str(len(left)), "3"]

    def test_into_itself(self, tree: Any) -> None:
        assert tree("MOVE", "c/a?delimiter=/", None, Destination="/c/a/y").status == 201
        assert tree.list() == ["a.txt", "a/y", "a/y/x", "a/y/y/z", "ab"]
        assert tree("GET", "c/a/y/y/z").body == b"a/y/z"
        assert tree("COPY", "c/a/y?delimiter=/", None, Destination="/c/a/y/y").status == 201
        assert tree.list(prefix="a/y/") == ["a/y/x", "a/y/y", "a/y/y/x", "a/y/y/y/z", "a/y/y/z"]

    def test_out_of_itself(self, tree: Any) -> None:
        tree.put("c/a/a", b"a/a", type="application/directory")
        tree.put("c/a/a/k", b"a/a/k")
        assert tree("MOVE", "c/a/a?delimiter=/", None, Destination="/c/a").status == 201
        assert tree.list(prefix="a") == ["a", "a.txt", "a/k", "a/x", "a/y/z", "ab"]
        assert tree("GET", "c/a/k").body == b"a/a/k"

    def test_root_must_exist(self, tree: Any) -> None:
        assert tree("MOVE", "c/a/y?delimiter=/", None, Destination="/d/b").status == 404
        assert tree.list("d") == []

    def test_names_that_become_too_long_stop_everything(self, tree: Any) -> None:
        tree.put("c/a/" + "n" * 1000)
        assert tree("MOVE", "c/a?delimiter=/", None, Destination="/d/" + "b" * 100).status == 400
        assert tree.list("d") == []
        assert len(tree.list()) == 6

    def test_versions_of_folders(self, tree: Any) -> None:
        tree("MOVE", "c/a?delimiter=/", None, Destination="/d/b")
        tree("MOVE", "d/b?delimiter=/", None, Destination="/c/a")
        assert tree.list() == ["a", "a.txt", "a/x", "a/y/z", "ab"]
        assert len(tree.versions("c/a/x")) == 3


class TestAccounts:
    def test_default_account_is_the_callers(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        alice.put("c/o", b"alice's", X_Object_Sharing=f"read={bob.id}")
        assert bob("COPY", "c/o", None, account=alice.id, Destination="/c/o").status == 201
        assert bob("GET", "c/o").body == b"alice's"
        assert bob("PUT", "c/p", b"", X_Copy_From="/c/o", X_Source_Account=alice.id).status == 201
        assert bob("HEAD", "c/p").headers["x-object-modified-by"] == bob.id

    def test_into_a_shared_folder(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        bob.put("c/o", b"bob's")
        alice.put("c/in", b"", type="application/directory", X_Object_Sharing=f"write={bob.id}")
        assert bob("COPY", "c/o", None, Destination="/c/in/o", Destination_Account=alice.id).status == 201
        assert bob("MOVE", "c/o", None, Destination="/c/in/p", Destination_Account=alice.id).status == 201
        assert bob("COPY", "c/x", None, Destination="/c/in/o", Destination_Account=alice.id).status == 404
        assert alice.list() == ["in", "in/o", "in/p"]
        assert (alice("HEAD").headers["x-account-bytes-used"], bob("HEAD").headers["x-account-bytes-used"]) == (
            "10",
            "0",
        )

    def test_moving_needs_the_owner(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        alice.put("c/o", X_Object_Sharing=f"write={bob.id}")
        assert bob("MOVE", "c/o", None, account=alice.id, Destination="/c/o").status == 403
        assert bob("PUT", "c/o", b"", X_Move_From="/c/o", X_Source_Account=alice.id).status == 403
        assert alice.list() == ["o"]

    def test_folders_need_a_right_to_each(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        alice.put("c/d", type="application/directory", X_Object_Sharing=f"read={bob.id}")
        alice.put("c/d/x")
        assert bob("COPY", "c/d?delimiter=/", None, account=alice.id, Destination="/c/d").status == 201
        assert bob.list() == ["d", "d/x"]
        alice.put("c/d/hidden", X_Object_Sharing="read=nobody")
        assert bob("COPY", "c/d?delimiter=/", None, account=alice.id, Destination="/c/e").status == 403
        assert bob.list() == ["d", "d/x"]
