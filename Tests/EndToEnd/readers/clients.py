"""Reads bundles as a client of OpenSSL or GnuTLS does: `clients.py ssl|pyopenssl|gnutls`.

Each line of standard input is a path. The answer is a line: the number of certificates that the client then has (-1
if it does not tell), or `refused` and the reason.
"""

import sys
from collections.abc import Callable


def read_by_ssl(path: str) -> int:
    """Python's ssl: urllib, requests, aiohttp; curl calls the same function."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return context.cert_store_stats()["x509"]


def read_by_pyopenssl(path: str) -> int:
    """The OpenSSL in the wheel of cryptography, which is the newest."""
    from OpenSSL import SSL

    SSL.Context(SSL.TLS_CLIENT_METHOD).load_verify_locations(path)
    return -1


def gnutls_reader() -> Callable[[str], int]:
    """wget, aria2 and Debian's git."""
    import ctypes

    library = ctypes.CDLL("libgnutls.so.30")
    library.gnutls_strerror.restype = ctypes.c_char_p

    def read(path: str) -> int:
        credentials = ctypes.c_void_p()
        library.gnutls_certificate_allocate_credentials(ctypes.byref(credentials))
        count = library.gnutls_certificate_set_x509_trust_file(credentials, path.encode(), 1)
        library.gnutls_certificate_free_credentials(credentials)
        if count < 0:
            raise ValueError(f"{count} {library.gnutls_strerror(count).decode()}")
        return count

    return read


def main() -> None:
    kind = sys.argv[1]
    readers = {"ssl": read_by_ssl, "pyopenssl": read_by_pyopenssl}
    read = readers[kind] if kind in readers else gnutls_reader()
    for line in sys.stdin:
        try:
            print(read(line.rstrip("\n")), flush=True)
        except Exception as error:  # noqa: BLE001 whatever the error, the client has no trust then
            print("refused", str(error).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
