"""DER as a tree that can be changed, to make certificates that no library would sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, BMP_STRING = 0x0C, 0x13, 0x16, 0x1E
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31


def header(tag: int, length: int) -> bytes:
    if length < 0x80:
        return bytes([tag, length])
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets


@dataclass
class Node:
    """An element: its contents are children or bytes. A wrapped element contains DER in an OCTET STRING or BIT STRING."""

    tag: int
    content: bytes = b""
    children: list[Node] = field(default_factory=list)
    raw_header: bytes | None = None
    """Replaces the element's own header."""

    @property
    def body(self) -> bytes:
        return self.content + b"".join(child.encode() for child in self.children)

    def encode(self) -> bytes:
        body = self.body
        return (header(self.tag, len(body)) if self.raw_header is None else self.raw_header) + body

    def walk(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Node]]:
        """The element and all its descendants, each with the indexes that lead to it."""
        yield path, self
        for index, child in enumerate(self.children):
            yield from child.walk((*path, index))

    def at(self, path: tuple[int, ...]) -> Node:
        node = self
        for index in path:
            node = node.children[index]
        return node

    def copy(self) -> Node:
        return Node(self.tag, self.content, [child.copy() for child in self.children], self.raw_header)


def read(der: bytes) -> Node:
    """Parses `der`, which is a single element."""
    (node,) = _elements(der)
    return node


def _elements(der: bytes) -> list[Node]:
    nodes = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length == 0x80 or tag & 0x1F == 0x1F:
            raise ValueError("not the DER that is read here")
        if length > 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        content, der = der[start : start + length], der[start + length :]
        if len(content) != length:
            raise ValueError("cut short")
        nodes.append(_node(tag, content))
    return nodes


def _node(tag: int, content: bytes) -> Node:
    if tag & 0x20:
        return Node(tag, b"", _elements(content))
    # The values of extensions, and most keys, are DER in a string.
    prefix = 1 if tag == BIT_STRING else 0
    if tag in (OCTET_STRING, BIT_STRING) and content[prefix : prefix + 1] in (b"\x30", b"\x03", b"\x04"):
        try:
            return Node(tag, content[:prefix], _elements(content[prefix:]))
        except (ValueError, IndexError):
            pass
    return Node(tag, content)


def sequence(*children: Node) -> Node:
    return Node(SEQUENCE, children=list(children))


def oid(dotted: str) -> Node:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = b""
    for arc in (40 * first + second, *rest):
        part = bytes([arc & 0x7F])
        while arc := arc >> 7:
            part = bytes([0x80 | arc & 0x7F]) + part
        octets += part
    return Node(OID, octets)


@dataclass(frozen=True)
class Fields:
    """The named parts of a certificate's tree; changing them changes the tree."""

    certificate: Node

    @property
    def tbs(self) -> Node:
        return self.certificate.children[0]

    def _field(self, number: int) -> Node:
        has_version = self.tbs.children[0].tag == 0xA0
        return self.tbs.children[number + has_version]

    @property
    def version(self) -> Node:
        return self.tbs.children[0].children[0]

    @property
    def outer_algorithm(self) -> Node:
        return self.certificate.children[1]

    @property
    def issuer(self) -> Node:
        return self._field(2)

    @property
    def times(self) -> list[Node]:
        return self._field(3).children

    @property
    def subject(self) -> Node:
        return self._field(4)

    @property
    def key(self) -> Node:
        return self._field(5)

    @property
    def extensions(self) -> Node:
        """The SEQUENCE OF Extension."""
        return self.tbs.children[-1].children[0]

    def remove_version(self) -> None:
        del self.tbs.children[0]

    def remove_extensions(self) -> None:
        del self.tbs.children[-1]
