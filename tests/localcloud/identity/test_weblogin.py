"""Logging in with a browser, as a browser does it: forms and redirections (identity.md 10.4)."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fixtures.projects import Account

NEXT = "pithos://program/done?state=1&x=a%20b"


def form(page: str) -> dict[str, str]:
    """The hidden fields of the form in a page."""
    found = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?>', page)
    return {name: html.unescape(value) for name, value in found}


def log_in(cloud: Any, token: str, **query: str) -> requests.Response:
    """Follow the way of a browser up to the answer to the form."""
    page = requests.get(f"{cloud.url}/weblogin/login", params={"next": NEXT, **query}, timeout=60)
    assert page.status_code == 200
    assert page.history[0].status_code == 302
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    fields = {**form(page.text), "token": token}
    return requests.post(page.url, data=fields, allow_redirects=False, timeout=60)


def test_the_way_of_a_browser(cloud: Any) -> None:
    answer = log_in(cloud, cloud.ada.token)
    assert answer.status_code == 302
    there = urlsplit(answer.headers["Location"])
    assert (there.scheme, there.netloc, there.path) == ("pithos", "program", "/done")
    assert parse_qs(there.query) == {
        "state": ["1"],
        "x": ["a b"],
        "uuid": [cloud.ids["ada"]],
        "token": [cloud.ada.token],
    }


def test_a_wrong_token_shows_the_form_again(cloud: Any) -> None:
    for token in ("rubbish", "", cloud.service.token):
        answer = log_in(cloud, token)
        assert answer.status_code == 401
        assert form(answer.text)["next"] == NEXT
        assert "Location" not in answer.headers


def test_renewing(cloud: Any) -> None:
    person = cloud.user("renewing@example.org")
    answer = log_in(cloud, person.token, renew="")
    (token,) = parse_qs(urlsplit(answer.headers["Location"]).query)["token"]
    assert token != person.token
    assert person.ask("GET", "/quotas").status_code == 401
    assert Account(cloud.url, token).ask("GET", "/quotas").status_code == 200


@pytest.mark.parametrize(
    ("next_", "status"),
    [
        ("pithos://x/", 200),
        ("pithosdev://x/", 200),
        ("/ui/login", 200),
        ("{url}/ui", 200),
        ("", 400),
        ("\\\\evil.example", 400),
        ("http://[evil", 400),
        ("x" * 5000, 400),
        ("/a\nb", 400),
        ("http://evil.example/", 403),
        ("https://evil.example/", 403),
        ("//evil.example/", 403),
        ("///evil.example/", 403),
        ("{url}@evil.example/", 403),
        ("{url}.evil.example/", 403),
        ("javascript:alert(1)", 403),
        ("data:text/html,x", 403),
        ("evil.example", 403),
        (" pithos://x/", 400),
    ],
)
def test_where_tokens_may_go(cloud: Any, next_: str, status: int) -> None:
    """Both the way to the form and the form itself look."""
    target = next_.format(url=cloud.url)
    shown = requests.get(f"{cloud.url}/weblogin/login", params={"next": target}, timeout=60)
    assert shown.status_code == status
    fields = {"next": target, "token": cloud.ada.token}
    sent = requests.post(f"{cloud.url}/ui/login", data=fields, allow_redirects=False, timeout=60)
    assert sent.status_code == (302 if status == 200 else status)


def test_what_the_page_shows_is_escaped(cloud: Any) -> None:
    page = requests.get(f"{cloud.url}/ui/login", params={"next": 'pithos://"><script>x</script>'}, timeout=60)
    assert "<script>" not in page.text
    assert form(page.text)["next"] == 'pithos://"><script>x</script>'


def test_oauth_needs_tls(cloud: Any) -> None:
    for method, path in (("GET", "auth"), ("POST", "token"), ("POST", "token/")):
        answer = requests.request(method, f"{cloud.url}/oauth2/{path}", timeout=60)
        assert (answer.status_code, answer.json()["error"]) == (400, "generic_error")
