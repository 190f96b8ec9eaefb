"""Proxy URLs, valid and invalid, generated from a seed, with passwords that occur nowhere else."""

import random
import re

MARKS = "QZXJ"
"""Every password contains runs of these letters between special characters; no message of psm-entry does."""

LEAK = re.compile(rb"[QZXJ]{3}|(?:%(?:51|5[aA]|58|4[aA])){3}")
"""A part of a password, plain or percent-encoded."""

SPECIALS = [
    *("@", ":", "/", "#", "%", "?", "&", " ", '"', "'", "\\", "é", "€", "ä", "+", "=", ",", ";", "[", "]", "|"),
    *("@@", "://", "%41", "%4", "%%", "$", "!", "*", "<", ">", "^", "`", "{", "}", "~", "\t", "..", "//", "/@", ":@"),
    *("\n", "\r\n", "%40", "%3A", "%2F", "\x1b[2J", "\x7f", "$(id)", "${HOME}", "@proxy:1/", "%00", "http://"),
]
SCHEMES = ["http://", "http://", "", "https://", "socks5://", "HTTP://", "ftp://", "http:/", "http:", "://", "//"]
SCHEMES += ['"http://', " http://", "\ufeffhttp://"]
USERS = ["alice", "corp\\alice", "a@corp", "a%40b", "", "müller", "alice+1", "a b", "$alice", "a:b"]
SEPARATORS = [":", ":", ":", ":", "%3A", "%3a", ";", "/", " ", "%253A"]
ENDS = ["@proxy:8899", "@proxy:8899", "@proxy:8899/", "@proxy", "@[fd00::1]:3128", "@10.0.0.1:3128", "@pr oxy:1"]
ENDS += ["@proxy:0", "@proxy:x", "@", "@:8080", "@proxy:8899@", "@pröxy:1", '@proxy:1"', "@proxy:1/x@y:2"]
ENDS += ["@proxy:1/x y", "@[::1", "@proxy:99999", "@proxy:1 ", ""]


def mark(numbers: random.Random) -> str:
    """Letters, sometimes all of them percent-encoded."""
    letters = "".join(numbers.choices(MARKS, k=numbers.randint(4, 7)))
    return "".join(f"%{ord(letter):02X}" for letter in letters) if numbers.random() < 0.1 else letters


def password(numbers: random.Random) -> str:
    def special(chance: float) -> str:
        return numbers.choice(SPECIALS) if numbers.random() < chance else ""

    middle = "".join(numbers.choice(SPECIALS) + mark(numbers) for _ in range(numbers.randint(0, 3)))
    return special(0.25) + mark(numbers) + middle + special(0.25)


def address(numbers: random.Random) -> str:
    secret = password(numbers)
    # Without a host, the text after an @ in the password is the host, by definition.
    end = numbers.choice([end for end in ENDS if end or "@" not in secret])
    user = numbers.choice(USERS)
    # Without a user, the text before the first colon of the password is the user, by definition.
    separator = numbers.choice(SEPARATORS) if user else ":"
    return numbers.choice(SCHEMES) + user + separator + secret + end
