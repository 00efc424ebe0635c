"""Bad input for the commands about users, projects, quotas and commissions, and about the program itself: exit code,
what is said, what is advised (design, section 7)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fixtures.cli import Result
from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.identity_rows import IDENTITY_ROWS
from fixtures.identity_world import Circle, Matters
from fixtures.invoker import Invoker
from fixtures.proxy import Answer, FaultProxy
from fixtures.specified import command

from pithosfs.clients.astakos import AstakosClient

NOBODY = "00000000-0000-0000-0000-00000000dead"


@pytest.fixture(scope="module")
def circle(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Circle]:
    made = Circle(cloud, cloud.user("erring"), cloud.user("other"), tmp_path_factory.mktemp("work"))
    (made.cwd / "rubbish.json").write_text("rubbish")
    (made.cwd / "list.json").write_text("[]")
    (made.cwd / "odd.json").write_text('{"colour": "red"}')
    yield made
    made.close()


@pytest.fixture
def program(circle: Circle, home: Home) -> Invoker:
    home.add_cloud(circle.owner.cloud())
    return Invoker(home, circle.cwd)


def told(result: Result, code: int) -> tuple[str, str]:
    """The two lines of an error, of this code; the commands that the second names exist."""
    assert result.code == code, result.err
    lines = result.err.splitlines()
    assert [line.partition(": ")[0] for line in lines[-2:]] == ["error", "hint"], result.err
    hint = lines[-1].partition(": ")[2]
    for group, name in re.findall(r"pithosfs ([a-z]+) ([a-z0-9]+)", hint):
        command(f"{group} {name}")
    return lines[-2].partition(": ")[2], hint


@dataclass(frozen=True)
class Row:
    """A run that comes to nothing."""

    line: str
    code: int
    said: str
    advised: str = ""


TERMS = "project create --name {new} --end-date 2098-12-31"
SERVICE = "--service-token {service}"

ROWS = [
    # Unknown ids and names.
    Row("user info --username nobody", 3, "no token of the user 'nobody'", "user add"),
    Row(f"user info --uuid {NOBODY}", 3, "no token of the user", "user list"),
    Row("user select --user nobody", 3, "no token of the user 'nobody'", "user list"),
    Row("user delete --user nobody --yes", 3, "no token of the user 'nobody'", "user list"),
    Row("user name2uuid {owner_name} nobody", 3, "there is no user 'nobody'", "user info"),
    Row(f"user uuid2name {NOBODY}", 3, f"there is no user '{NOBODY}'", "user info"),
    Row("user setdefaultproject nothing", 3, "there is no project 'nothing'", "project list"),
    Row(f"user setdefaultproject {NOBODY}", 3, "", "project list --mode member"),
    Row("project list --with-owner nobody", 3, "there is no user 'nobody'", "exact name"),
    Row("project info nothing", 3, "there is no project 'nothing'", "project list"),
    Row(f"project info {NOBODY}", 3, "there is no project", "project list"),
    Row("project modify nothing --name x.org", 3, "there is no project 'nothing'", "project list"),
    Row("project approve nothing --app-id 1", 3, "there is no project 'nothing'", "project list"),
    Row("project approve {pending} --app-id 99999 {admin}", 3, "there is no application 99999", "project info"),
    Row("project cancel personal", 3, "has no application", "--app-id"),
    Row("project join nothing", 3, "there is no project 'nothing'", "project list --mode active"),
    Row(f"project join {NOBODY}", 3, "", "project list"),
    Row("project enroll nothing --email x", 3, "there is no project 'nothing'", "project list"),
    Row("project suspend nothing {admin}", 3, "there is no project 'nothing'", "project list"),
    Row("project terminate nothing --yes", 3, "there is no project 'nothing'", "project list"),
    Row(f"{TERMS} --owner nobody", 3, "there is no user 'nobody'", "exact name"),
    Row(f"{TERMS} --spec-file nowhere", 3, "nowhere: No such file"),
    Row("membership info 99999", 3, "there is no membership '99999'", "membership list"),
    Row("membership info nothing/nobody", 3, "there is no membership", "membership list"),
    Row("membership accept 99999", 3, "there is no membership '99999'", "membership list"),
    Row("membership leave nothing --yes", 3, "there is no membership 'nothing'", "membership list --mine"),
    Row("membership list --project-id nothing", 3, "there is no project 'nothing'", "project list"),
    Row("quota list --project-id nothing", 3, "there is no project 'nothing'", "project list"),
    Row("quota list --project-id {open_project}", 3, "no quota of the project", "quota list"),
    Row("quota list --resource parking", 3, "no resource's name begins with 'parking'", "resource list"),
    Row(f"service quotas --uuid {NOBODY} {SERVICE}", 3, "there is no user", "leave --uuid out"),
    Row(f"service quotas --uuid nobody {SERVICE}", 3, "there is no user 'nobody'"),
    Row(f"service username2uuid --username nobody {SERVICE}", 3, "there is no user 'nobody'", "user info"),
    Row(f"service uuid2username --uuid {NOBODY} {SERVICE}", 3, "there is no user", "user info"),
    Row(f"commission info 99999 {SERVICE}", 3, "no commission 99999", "commission pending"),
    Row(f"commission accept 99999 {SERVICE}", 3, "no commission 99999", "commission pending"),
    Row(f"commission reject 99999 {SERVICE}", 3, "no commission 99999", "commission pending"),
    Row(f"commission resolve --accept 99999 {SERVICE}", 1, "1 of 1 were not resolved", "commission pending"),
    Row("commission issue --uuid {owner} --source system --provisions-file nowhere " + SERVICE, 3, "nowhere: No such"),
    Row("config get nothing", 3, "nothing is not set", "config set nothing"),
    Row("config delete nothing", 3, "nothing is not set", "config list"),
    Row("scripts verifyfs nothing", 3, "no container 'nothing'", "container"),
    # Wrong types, missing and conflicting options.
    Row("user info --username a --uuid b", 2, "exclude each other"),
    Row("user add", 2, "--token", "user add --help"),
    Row("user add --token ' '", 2, "that is no token"),
    Row("user select", 2, "--user"),
    Row("user name2uuid", 2, "NAME"),
    Row("project list --with-state sleeping", 2, "'sleeping'"),
    Row("project create", 2, "a project needs --name and --end-date", "--spec-file"),
    Row("project create --name {new}", 2, "a project needs --end-date"),
    Row(f"{TERMS} --resource cyclades.vm", 2, "does not say what is shared out", "RESOURCE=MEMBER,PROJECT"),
    Row(f"{TERMS} --resource cyclades.vm=5,2", 2, "a member more than the project"),
    Row(f"{TERMS} --resource cyclades.vm=some,more", 2, "'some' is not an amount", "unlimited"),
    Row(f"{TERMS} --join-policy perhaps", 2, "'perhaps'"),
    Row(f"{TERMS} --max-members many", 2, "'many' is not an amount"),
    Row(f"{TERMS} --private perhaps", 2, "'perhaps'"),
    Row(f"{TERMS} --start-date whenever", 2, "is not a date"),
    Row("project create --spec-file rubbish.json", 2, "is not JSON", "write one object"),
    Row("project create --spec-file list.json", 2, "no term of a project", "write one object"),
    Row("project create --spec-file odd.json", 2, "no term of a project: colour", "write one object"),
    Row("project modify {project}", 2, "nothing is to be changed", "--description"),
    Row("project modify {project} --private --public", 2, "--private and --public exclude each other"),
    Row("project approve {pending} --app-id last", 2, "'last'"),
    Row("project enroll {project}", 2, "--email"),
    Row("project terminate {project} {admin}", 2, "needs a confirmation", "--yes"),
    Row("membership leave {own_membership}", 2, "needs a confirmation", "--yes"),
    Row("membership remove {membership}", 2, "needs a confirmation", "--yes"),
    Row("service quotas", 2, "--service-token"),
    Row("service username2uuid " + SERVICE, 2, "--username"),
    Row("commission info x " + SERVICE, 2, "'x'"),
    Row("commission accept 0 " + SERVICE, 2, "0"),
    Row("commission resolve " + SERVICE, 2, "nothing is to be changed", "--accept or --reject"),
    Row("commission resolve --accept 1,x " + SERVICE, 2, "'x'"),
    Row("commission issue --uuid {owner} --source system " + SERVICE, 2, "--provisions-file"),
    Row("commission issue --uuid {owner} --source system --provisions-file rubbish.json " + SERVICE, 2, "is not JSON"),
    Row(
        "commission issue --uuid {owner} --source system --provisions-file odd.json " + SERVICE, 2, "does not say what"
    ),
    Row("config set cloud.test x", 2, "names no setting", "cloud.NAME.KEY"),
    Row("history show first", 2, "is no range", "N:M"),
    # Permissions.
    Row("project approve {pending}", 4, "only administrators", "project info"),
    Row("project deny {pending}", 4, "only administrators", "project info"),
    Row("project suspend {project}", 4, "only administrators", "project info"),
    Row("project unsuspend {suspended}", 4, "only administrators", "project info"),
    Row("project terminate {project} --yes", 4, "only administrators", "project info"),
    Row("project reinstate {terminated}", 4, "only administrators", "project info"),
    Row("project modify {open_project} --name mine.example.org", 4, "", "project info"),
    Row("project enroll {open_project} --email {owner_name}", 4, "", "user name2uuid"),
    Row("project info {hidden}", 4, "is not for you", "project list"),
    Row("commission pending", 4, "not that of a service", "--service-token"),
    Row("service quotas --service-token {owner_token}", 4, "not that of a service", "--service-token"),
    Row("user authenticate wrong-token", 4, "refuses this token", "config set cloud.test.token"),
    Row("user add --token wrong-token", 4, "", "user list"),
    # States.
    Row("project approve {project} {admin}", 5, "", "project list"),
    Row("project cancel {denied}", 5, "", "project list"),
    Row("project dismiss {pending}", 5, "", "project list"),
    Row("project unsuspend {project} {admin}", 5, "", "project list"),
    Row("project suspend {suspended} {admin}", 5, "", "project list"),
    Row("project reinstate {project} {admin}", 5, "", "project list"),
    Row("project enroll {project} --email nobody", 5, "there is no user 'nobody'", "user name2uuid nobody"),
    Row("project join {closed}", 5, "", "project list"),
    Row("membership cancel {own_membership}", 5, "cancel is not possible", "membership list"),
    Row("membership accept {membership}", 5, "accept is not possible", "membership list"),
    Row("membership leave {own_request} --yes", 5, "leave is not possible", "membership list"),
    Row("user delete --user {owner} --yes", 5, "the user as whom commands are run", "user select"),
    # Quotas.
    Row(
        "commission issue --uuid {poor} --source system --provisions-file {provisions} " + SERVICE,
        6,
        "the limit of cyclades.vm is exceeded: available 0, requested 1",
        "quota list",
    ),
]


class More(Matters):
    """What only goes wrong."""

    def hidden(self) -> str:
        """A private project of the friend's."""
        return self.world.active(self.world.other, private=True)

    def closed(self) -> str:
        return self.world.active(self.world.other, join_policy="closed")

    def poor(self) -> str:
        """A user who may have no server."""
        user = self.world.cloud.user("poor")
        self.world.cloud.set_limit(user, "cyclades.vm", 0)
        return user.uuid


@pytest.mark.parametrize("row", ROWS, ids=[f"{one.line}: {one.said}" for one in ROWS])
def test_what_goes_wrong(row: Row, program: Invoker, circle: Circle) -> None:
    result = program(*shlex.split(row.line.format_map(More(circle, 0))))
    if row.advised:
        happened, advice = told(result, row.code)
        assert row.advised in advice
    else:
        assert result.code == row.code, result.err
        happened = result.err.splitlines()[-2 if "hint:" in result.err else -1]
    assert row.said in happened
    assert "Traceback" not in result.err


LOCAL = {words for words in IDENTITY_ROWS if words.partition(" ")[0] in ("config", "history")}
WITHOUT_TOKEN = {"endpoint list", "service list", "resource list"}
AS_SERVICE = {words for words in IDENTITY_ROWS if words.partition(" ")[0] in ("service", "commission")}


def dummy(words: str) -> list[str]:
    """The first run of a command that prints no JSON, with what need not exist."""
    row = next(one for one, _ in IDENTITY_ROWS[words] if not {"-j", "json"} & {*one.split()})

    class Anything(dict[str, str]):
        def __missing__(self, key: str) -> str:
            if key == "provisions":
                return "provisions.json"
            return {"service": "expired", "admin": "", "spec_file": "spec.json"}.get(
                key, "1" if "commission" in key or key == "application" else NOBODY
            )

    return [*words.split(), *shlex.split(row.format_map(Anything()))]


@pytest.mark.parametrize("words", sorted(set(IDENTITY_ROWS) - LOCAL - WITHOUT_TOKEN))
def test_a_token_that_has_expired(words: str, program: Invoker, circle: Circle) -> None:
    (circle.cwd / "provisions.json").write_text('{"cyclades.vm": 1}')
    line = dummy(words)
    if words == "user authenticate":
        line = line[:2]
    result = program(*line, "-o", "cloud.test.token=expired")
    if words in ("user list", "user select", "user delete"):
        # Of several tokens some may be refused; these are what helps then.
        assert result.code == (0 if words == "user list" else 3)
        return
    _, advice = told(result, 4)
    assert (
        "--service-token" if words in AS_SERVICE else "user list" if words == "user add" else "config set"
    ) in advice


@pytest.fixture(scope="module")
def without_services(cloud: TestCloud, circle: Circle) -> Iterator[FaultProxy]:
    """The cloud, with nothing but identity and compute in its catalog."""
    wire = FaultProxy(cloud.address)
    access = AstakosClient(circle.owner.url, circle.owner.token).authenticate()["access"]
    catalog = [one for one in access["serviceCatalog"] if one["type"] in ("identity", "compute")]
    answer = {"access": {**access, "serviceCatalog": catalog}}
    wire.when("/tokens", Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"}))
    yield wire
    wire.close()


@pytest.mark.parametrize("words", sorted(set(IDENTITY_ROWS) - LOCAL - {"endpoint list", "scripts verifyfs"}))
def test_a_service_that_the_cloud_has_not(
    words: str, program: Invoker, without_services: FaultProxy, circle: Circle
) -> None:
    (circle.cwd / "provisions.json").write_text('{"cyclades.vm": 1}')
    result = program(*dummy(words), "-o", f"cloud.test.url={without_services.instead_of(circle.owner.url)}")
    if words in ("user list", "user select", "user delete", "user add", "user authenticate"):
        assert result.code in (0, 3)  # these need no other service
        return
    happened, advice = told(result, 1)
    assert re.search(r"this cloud has no service of type '(account|object-store)'$", happened)
    assert "it has compute, identity" in advice


@pytest.mark.parametrize("words", IDENTITY_ROWS)
def test_errors_as_json(words: str, program: Invoker) -> None:
    result = program("-j", *words.split(), "--no-such-option")
    assert (result.code, result.out) == (2, "")
    error = json.loads(result.err)["error"]
    assert error["exit_code"] == 2
    assert "--no-such-option" in error["message"]
