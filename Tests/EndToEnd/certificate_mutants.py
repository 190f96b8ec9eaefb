"""Certificates with one or two faults in any field, tag or length; with elements moved, duplicated or cut.

They are generated from a seed, so a number identifies each.
"""

import datetime
import ipaddress
import random
from collections.abc import Callable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
    SubjectInformationAccessOID,
)

import der
from der import Fields, Node

# --- What is changed ------------------------------------------------------------------------------

_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Zürich, Ltd"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Root"),
    ]
)
_ODD_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "corp"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "ca@corp.example"),
        x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\xab", x509.name._ASN1Type.BitString),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Bern", x509.name._ASN1Type.BMPString),
        x509.NameAttribute(NameOID.STREET_ADDRESS, "1", x509.name._ASN1Type.T61String),
        x509.NameAttribute(NameOID.TITLE, "CA", x509.name._ASN1Type.UniversalString),
    ]
)
_GENERAL_NAMES = [
    x509.DNSName("ca.corp.example"),
    x509.RFC822Name("ca@corp.example"),
    x509.UniformResourceIdentifier("http://ca.corp.example/"),
    x509.IPAddress(ipaddress.ip_address("10.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("fd00::1")),
    x509.DirectoryName(_NAME),
    x509.RegisteredID(ObjectIdentifier("1.2.3.4")),
    x509.OtherName(ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x02ca"),
]


_PERIOD = der.sequence(Node(0x80, b"20200101000000Z"), Node(0x81, b"20300101000000Z")).encode()
"""A privateKeyUsagePeriod."""


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, True, True, False, False)


def _common(public) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        (x509.BasicConstraints(True, 3), True),
        (_key_usage(), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    ]


def _names(_public) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        (x509.SubjectAlternativeName(_GENERAL_NAMES), False),
        (x509.IssuerAlternativeName(_GENERAL_NAMES), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
    ]


def _policies(_public) -> list[tuple[x509.ExtensionType, bool]]:
    uri = x509.UniformResourceIdentifier("http://ca.corp.example/x")
    notice = x509.UserNotice(x509.NoticeReference("Corp", [1, 2]), "notice")
    policy = x509.PolicyInformation(ObjectIdentifier("1.2.3"), ["http://cps.corp.example/", notice])
    point = x509.DistributionPoint([uri], None, frozenset([x509.ReasonFlags.key_compromise]), [x509.DirectoryName(_NAME)])
    relative = x509.DistributionPoint(None, x509.RelativeDistinguishedName([*_NAME][:1]), None, None)
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri)
    repository = x509.AccessDescription(SubjectInformationAccessOID.CA_REPOSITORY, uri)
    permitted = [x509.DNSName("corp.example"), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), x509.DirectoryName(_NAME)]
    return [
        (x509.NameConstraints(permitted, [x509.RFC822Name("evil.example")]), True),
        (x509.CertificatePolicies([policy]), False),
        (x509.PolicyConstraints(1, 2), True),
        (x509.InhibitAnyPolicy(1), True),
        (x509.CRLDistributionPoints([point, relative]), False),
        (x509.FreshestCRL([point]), False),
        (x509.AuthorityInformationAccess([access]), False),
        (x509.SubjectInformationAccess([repository]), False),
        (x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.16"), _PERIOD), False),
        (x509.MSCertificateTemplate(ObjectIdentifier("1.2.3"), 1, 2), False),
        (x509.OCSPNoCheck(), False),
    ]


def _made(key, extensions: Callable, *, name: x509.Name = _NAME, sign_as=hashes.SHA256(), **options) -> Node:
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(0x1234567890ABCDEF)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2060, 1, 1))
    )
    for extension, is_critical in [*_common(public), *extensions(public)]:
        builder = builder.add_extension(extension, is_critical)
    return der.read(builder.sign(key, sign_as, **options).public_bytes(Encoding.DER))


def _version1(root: Node) -> Node:
    fields = Fields(root)
    fields.remove_extensions()
    fields.remove_version()
    return root


def _with_unique_ids(root: Node) -> Node:
    ids = [Node(0x81, b"\0\x01\x02"), Node(0x82, b"\0\x03\x04")]
    Fields(root).tbs.children[-1:-1] = ids
    return root


def _with_pss_key(root: Node) -> Node:
    """A key whose algorithm is id-RSASSA-PSS, with the parameters of the signature."""
    fields = Fields(root)
    fields.key.children[0] = fields.outer_algorithm.copy()
    return root


def _with_explicit_curve(root: Node) -> Node:
    """A key with explicit curve parameters (those of P-256), as some national CAs have it."""
    prime = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
    number = lambda value: Node(der.INTEGER, value.to_bytes(33, "big").lstrip(b"\0").rjust(33, b"\0"))  # noqa: E731
    point = bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    parameters = der.sequence(
        Node(der.INTEGER, b"\1"),
        der.sequence(der.oid("1.2.840.10045.1.1"), number(prime)),
        der.sequence(Node(der.OCTET_STRING, (prime - 3).to_bytes(32, "big")), Node(der.OCTET_STRING, b)),
        Node(der.OCTET_STRING, point),
        number(order),
        Node(der.INTEGER, b"\1"),
    )
    Fields(root).key.children[0].children[1] = parameters
    return root


def _with_odd_names(root: Node) -> Node:
    """An EDIParty name, an X.400 address and Netscape's extensions."""
    party = Node(0xA5, children=[Node(0xA0, children=[Node(0x0C, b"a")]), Node(0xA1, children=[Node(0x13, b"b")])])
    fields = Fields(root)
    for extension in fields.extensions.children:
        if extension.children[0].content in (b"\x55\x1d\x11", b"\x55\x1d\x12"):
            extension.children[-1].children[0].children.append(party.copy())
    for number, value in ((1, b"\x03\x02\x00\x07"), (13, b"\x16\x02hi")):
        name = der.oid(f"2.16.840.1.113730.1.{number}")
        fields.extensions.children.append(der.sequence(name, Node(der.OCTET_STRING, b"", [der.read(value)])))
    return root


def seeds() -> dict[str, Node]:
    """Certificates that every library reads. Their keys are new each time, with the same lengths."""
    small = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    none = lambda _public: []  # noqa: E731
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    return {
        "rsa": _made(small, none),
        "v1": _version1(_made(small, none, name=_ODD_NAME)),
        "v1-ec": _version1(_made(curve, none)),
        "names": _made(curve, _names),
        "odd-names": _with_odd_names(_made(curve, _names)),
        "policies": _made(curve, _policies),
        "pss": _made(small, none, rsa_padding=pss),
        "pss-key": _with_pss_key(_made(small, none, rsa_padding=pss)),
        "ed25519": _made(ed25519.Ed25519PrivateKey.generate(), none, sign_as=None),
        "dsa": _made(dsa.generate_private_key(1024), none),
        "unique-ids": _with_unique_ids(_made(curve, none)),
        "explicit-curve": _with_explicit_curve(_made(curve, none)),
    }


def revocation_list() -> Node:
    """A certificate revocation list; its signature is meaningless."""
    moment = datetime.datetime(2025, 1, 1)
    reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
    one = x509.RevokedCertificateBuilder().serial_number(5).revocation_date(moment)
    builder = x509.CertificateRevocationListBuilder().issuer_name(_ODD_NAME)
    builder = builder.last_update(moment).next_update(datetime.datetime(2055, 1, 1))
    builder = builder.add_revoked_certificate(one.add_extension(reason, critical=False).build())
    builder = builder.add_revoked_certificate(one.build()).add_extension(x509.CRLNumber(7), critical=False)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return der.read(signed.public_bytes(Encoding.DER))


# --- How it is changed ----------------------------------------------------------------------------

_TIMES = [
    b"", b"Z", b"2001010000Z", b"200101000000", b"200101000000+0000", b"200101000000-0100", b"200101000000.5Z",
    b"200101000060Z", b"200101000061Z", b"200101240000Z", b"200101006000Z", b"200132000000Z", b"201301000000Z",
    b"200001000000Z", b"200100000000Z", b"200230000000Z", b"200229000000Z", b"210229000000Z", b"200101000000z",
    b" 200101000000Z", b"200101000000Z ", b"200101000000ZZ", b"20010100000\0Z", b"2001010000 0Z", b"-00101000000Z",
    b"20200101000000Z", b"20200101000000", b"202001010000Z", b"20200101000000.5Z", b"20200101000000.Z",
    b"20200101000000,5Z", b"20200101000000+0000", b"20200101000000-1200", b"20200101000060Z", b"20200101240000Z",
    b"20201301000000Z", b"20200230000000Z", b"00000101000000Z", b"99991231235959Z", b"19491231235959Z",
    b"-0200101000000Z", b"20200101000000ZZ", b"020200101000000Z", b"2020010100000aZ", b"500101000000Z", b"491231235959Z",
]  # fmt: skip
_INTEGERS = [
    b"", b"\0", b"\1", b"\2", b"\3", b"\x7f", b"\x80", b"\xff", b"\0\0", b"\0\1", b"\0\x80", b"\xff\xff", b"\xff\x7f",
    b"\xff\x80", b"\1" * 20, b"\1" * 21, b"\x80" + b"\1" * 20, b"\1" * 200, b"\1" * 3000,
]  # fmt: skip
_BITS = [b"", b"\0", b"\1", b"\7", b"\x08", b"\xff", b"\0\0", b"\1\1", b"\7\x80", b"\7\xff", b"\7\0", b"\x08\0"]
_OIDS = [
    b"", b"\0", b"\x80", b"\x80\1", b"\x2a", b"\x2a\x80", b"\x2a\x80\1", b"\x2a\x86", b"\x55\x1d\x11", b"\x7f\x7f",
    b"\xff\x7f", b"\x2a" + b"\xff" * 8 + b"\x7f", b"\x2a" + b"\xff" * 20 + b"\x7f", b"\x2a" + b"\1" * 200, b"\xff" * 4,
    b"\x2a\x83\xff\xff\xff\x7f", b"\x8f\xff\xff\xff\x7f\1",
    b"\x55\x1d\x13", b"\x55\x1d\x0f", b"\x55\x1d\x0e", b"\x55\x1d\x23", b"\x55\x1d\x1e", b"\x55\x1d\x25", b"\x55\x1d\x1f",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05",
    b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2b\x65\x70", b"\x2b\x65\x71", b"\x2b\x65\x6e",
]  # fmt: skip
_STRINGS = [
    b"", b"a", b"\0", b"a\0b", b"\xff", b"\xc3\xa9", b"\xc0\x8a", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"*", b"@", b"_",
    b"\n", b"\x1b[2J", b"\0a", b"\xd8\x3d\xdd\x11", b"\xd8\x00", b"\0\0\0a", b"\0\x11\0\0", b"a" * 300, b"\xe9", b"\x80",
]  # fmt: skip
_BOOLEANS = [b"", b"\0", b"\1", b"\x7f", b"\xff", b"\0\0", b"\xff\xff"]
_ANYTHING = [b"", b"\0", b"\xff", b"\x30\0", b"\x30\x80\0\0", b"\x05\0", b"\x02\1\1", b"\0\0", b"\x30\1", b"\x1f\1\0"]

_BY_TAG = {
    der.BOOLEAN: _BOOLEANS, der.INTEGER: _INTEGERS, 0x0A: _INTEGERS, der.BIT_STRING: _BITS, der.OID: _OIDS,
    der.NULL: _ANYTHING, der.UTC_TIME: _TIMES, der.GENERALIZED_TIME: _TIMES,
}  # fmt: skip

_LENGTHS = [
    b"\0", b"\1", b"\x7f", b"\x80", b"\x81\0", b"\x81\1", b"\x81\x7f", b"\x82\0\0", b"\x82\1\0", b"\x82\xff\xff", b"\x84\0\0\0\1",
    b"\x84\x7f\xff\xff\xff", b"\x84\xff\xff\xff\xff", b"\x88\x7f" + b"\xff" * 7, b"\x88" + b"\xff" * 8, b"\xff",
]  # fmt: skip


Change = Callable[[Node], None]
"""What is done to a copy of the whole tree."""


def _to(path: tuple[int, ...], **values) -> Change:
    def change(root: Node) -> None:
        node = root.at(path)
        for name, value in values.items():
            setattr(node, name, value)

    return change


def _contents(path: tuple[int, ...], content: bytes) -> Change:
    return _to(path, content=content, children=[])


def _in_parent(path: tuple[int, ...], edit: Callable[[list[Node], int], None]) -> Change:
    return lambda root: edit(root.at(path[:-1]).children, path[-1])


def _double(children: list[Node], index: int) -> None:
    children.insert(index, children[index].copy())


def _delete(children: list[Node], index: int) -> None:
    del children[index]


def _to_the_end(children: list[Node], index: int) -> None:
    children.append(children.pop(index))


def _swap(children: list[Node], index: int) -> None:
    other = (index + 1) % len(children)
    children[index], children[other] = children[other], children[index]


def _wrap(children: list[Node], index: int) -> None:
    children[index] = der.sequence(children[index])


def _set(children: list[Node], index: int, node: Node) -> None:
    children[index] = node


def _insert(children: list[Node], index: int, node: Node) -> None:
    children.insert(index, node)


_STRANGERS = [
    Node(der.NULL), Node(der.BOOLEAN, b"\xff"), Node(der.INTEGER, b"\1"), Node(der.OID, b"\x2a\3"), Node(der.SEQUENCE),
    Node(der.SET), Node(der.OCTET_STRING, b"\1"), Node(der.BIT_STRING, b"\0\1"), Node(der.UTF8_STRING, b"a"),
    Node(0xA0, children=[Node(der.INTEGER, b"\2")]), Node(0xA1), Node(0xA3, children=[Node(der.SEQUENCE)]), Node(0x80, b"a"),
    Node(0x81, b"\0\1"), Node(0x82, b"\0\1"), Node(der.UTC_TIME, b"200101000000Z"), Node(0, b""),
]  # fmt: skip


def changes_of(seed: Node) -> Iterator[tuple[str, Change]]:
    """Every change of one place."""
    nodes = list(seed.walk())
    for path, node in nodes:
        where = ".".join(map(str, path)) or "whole"
        for tag in range(256):
            if tag != node.tag:
                yield f"{where} tag {tag:02x}", _to(path, tag=tag)
        body = len(node.body)
        for length in [*_LENGTHS, *(der.header(0, max(body + add, 0))[1:] for add in (-2, -1, 1, 2, 100))]:
            yield f"{where} length {length.hex()}", _to(path, raw_header=bytes([node.tag]) + length)
        for octets in range(1, 9):
            long_form = bytes([node.tag, 0x80 | octets]) + (body.to_bytes(8, "big"))[-octets:]
            yield f"{where} length of {octets} octets", _to(path, raw_header=long_form)
        content = node.body
        for cut in sorted({0, 1, len(content) // 2, max(len(content) - 1, 0)}):
            yield f"{where} cut to {cut}", _contents(path, content[:cut])
        for add in (b"\0", b"\xff", b"\0\0", b"\5\0"):
            yield f"{where} and {add.hex()}", _contents(path, content + add)
            yield f"{where} after {add.hex()}", _contents(path, add + content)
        for value in [*_BY_TAG.get(node.tag, _STRINGS), *_ANYTHING]:
            yield f"{where} is {value[:8].hex()}", _contents(path, value)
        if node.tag in (der.UTC_TIME, der.GENERALIZED_TIME):
            for value in _TIMES:
                other = der.UTC_TIME + der.GENERALIZED_TIME - node.tag
                yield f"{where} other time {value!r}", _to(path, tag=other, content=value)
        for index, stranger in enumerate(_STRANGERS):
            if path:
                yield f"{where} replaced {index}", _in_parent(path, lambda c, i, s=stranger: _set(c, i, s.copy()))
                yield f"{where} inserted {index}", _in_parent(path, lambda c, i, s=stranger: _insert(c, i, s.copy()))
            yield f"{where} appended {index}", lambda root, p=path, s=stranger: root.at(p).children.append(s.copy())
        if path:
            for name, edit in (
                ("doubled", _double), ("deleted", _delete), ("last", _to_the_end), ("swapped", _swap), ("wrapped", _wrap),
            ):  # fmt: skip
                yield f"{where} {name}", _in_parent(path, edit)


def _transplant(seed: Node, numbers: random.Random) -> Change:
    """An element from one position at another."""
    paths = [path for path, _ in seed.walk() if path]
    source, target = numbers.choice(paths), numbers.choice(paths)
    node = seed.at(source).copy()
    return _in_parent(target, lambda children, index: _set(children, index, node.copy()))


def _flip(encoded: bytes, numbers: random.Random) -> bytes:
    changed = bytearray(encoded)
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        changed[numbers.randrange(len(changed))] ^= 1 << numbers.randrange(8)
    return bytes(changed)


def mutants(count: int, seed: int, roots: dict[str, Node] | None = None) -> Iterator[tuple[str, bytes]]:
    """`count` mutants, of `roots` instead of the usual certificates, each with a description. Half have one change,
    drawn from all possible ones without repetition as far as possible; the others have two changes, a moved element,
    or changed bits."""
    numbers = random.Random(seed)
    roots = roots or seeds()
    every = {name: list(changes_of(root)) for name, root in roots.items()}
    single = [(name, number) for name, changes in every.items() for number in range(len(changes))]
    numbers.shuffle(single)
    for number in range(count):
        if number % 2 == 0 and single:
            name, index = single.pop()
            chosen = [every[name][index]]
        else:
            name = numbers.choice(list(roots))
            kind = numbers.randrange(4)
            if kind == 0:
                yield f"{name}: bits", _flip(roots[name].encode(), numbers)
                continue
            if kind == 1:
                chosen = [("an element elsewhere", _transplant(roots[name], numbers))]
            else:
                chosen = [numbers.choice(every[name]) for _ in range(2)]
        root = roots[name].copy()
        try:
            for _, change in chosen:
                change(root)
            yield f"{name}: {' and '.join(what for what, _ in chosen)}", root.encode()
        except (IndexError, ZeroDivisionError):
            # The position of the second change disappeared with the first.
            yield f"{name}: bits", _flip(roots[name].encode(), numbers)
