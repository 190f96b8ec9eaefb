"""Mistyped proxy URLs, generated from a seed, with real clients: after a start each client uses the intended proxy,
user and password, or the value was refused with a reason."""

import random
import re

import pytest

from client_matrix import CLIENTS, OLDER, SYSTEMS, build_image, run
from proxy_environments import both
from test_proxy_matrix import SCENE, URLS, used_proxies

STARTS = ["http://", "", "HTTP://", "//", "http:/", "http:///", "http:////", "http:\\\\", "http:", "HTTP//", "\\\\"]
REFUSED_STARTS = ["http://http://", "https://http:/", "//http://", "http;//", "htp://", "/", "http/", "http:http://"]
USERS = ["user1", "dom\\user1", "user@corp.com", "us er", "user+1", "$user", "http", "a.b-c_d~e"]
MARKS = ["@", ":", "/", "#", "%", "?", "&", " ", '"', "'", "\\", "+", "=", ",", ";", "[", "]", "|", "$", "!", "*", "^", "`"]
MARKS += ["{", "}", "~", "..", "//", "%zz", "(", ")", "<", ">"]
AROUND = [("", ""), ("", ""), ("", ""), ('"', '"'), ("'", "'"), (" ", "\n"), ("\u201c", "\u201d"), ("\ufeff", "")]


def letters(numbers: random.Random) -> str:
    return "".join(numbers.choices("pqrwxyz0123456789", k=3))


def made(numbers: random.Random) -> tuple[str, str]:
    """A value, and the intended `user:password`."""
    user = numbers.choice(USERS)
    password = letters(numbers)
    for _ in range(numbers.randint(0, 3)):
        password += numbers.choice(MARKS) + letters(numbers)
    start = numbers.choice(REFUSED_STARTS if numbers.random() < 0.15 else STARTS)
    before, after = numbers.choice(AROUND)
    # By definition, `%62` is an encoded letter.
    is_encoded = numbers.random() < 0.3 or re.search("%[0-9a-f]{2}", password)
    encoded = password.replace("%", "%25") if is_encoded else password
    return f"{before}{start}{user}:{encoded}@blue:8899{numbers.choice(['', '', '/'])}{after}", f"{user}:{password}"


@pytest.fixture(scope="module")
def values(pytestconfig):
    numbers = random.Random(20261126)
    return [made(numbers) for _ in range(200 if pytestconfig.getoption("--all") else 16)]


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory, values, pytestconfig):
    """With `--all`, also the clients of the newer system."""
    found = []
    for system in SYSTEMS if pytestconfig.getoption("--all") else [OLDER]:
        for first in range(0, len(values), 50):
            some = values[first : first + 50]
            jobs = [{"entries": both(value), "urls": URLS} for value, _ in some]
            image = build_image(SYSTEMS[system])
            answer = run(image, binary, tmp_path_factory.mktemp("values"), SCENE, jobs)
            found += zip(some, answer["results"], strict=True)
    return found


def is_refused(result) -> bool:
    return any("error: HTTP_PROXY: invalid proxy URL" in line for line in result["log"])


def test_every_client_is_the_user_that_was_meant_or_the_value_is_refused(results):
    wrong = []
    for (value, meant), result in results:
        if is_refused(result):
            continue
        warned = {"git"} if any("which git decodes twice" in line for line in result["log"]) else set()
        used = used_proxies(result["after"]["seen"])
        wrong += [(value, *key, one) for key, one in used.items() if one != f"{meant}@blue" and key[0] not in warned]
    assert wrong == []


def test_what_cannot_be_told_is_refused_and_little_else(results):
    refused = [value for (value, _), result in results if is_refused(result)]
    assert refused and len(refused) < len(results) / 3, refused


def test_before_a_start_clients_were_other_users(results):
    """Otherwise the test could not show that a start has an effect."""
    differing = 0
    for (_, meant), result in results:
        # Some clients use the proxy's name for the target's, so such a request does not show which client made it.
        seen = [one for one in result["before"]["seen"] if ".test" in one["target"]]
        used = used_proxies(seen)
        differing += any(used[client, "http"] != f"{meant}@blue" for client in CLIENTS)
    assert differing > len(results) / 2
