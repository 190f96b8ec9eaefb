"""Recording servers in the container of the client matrix: proxies that record which client requested what.

Usage: recorder.py RECORD READY NAME=ADDRESS:PORT…    For each request a server records its NAME, the method, the
target and the decoded credentials as a line of JSON. A server named `origin` is not a proxy and asks for no
password.
"""

import base64
import http.server
import json
import os
import socket
import sys
import threading


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def record(self):
        """Answers the first request of a client with 407, because some clients send no user unless they are asked."""
        sent = self.headers.get("Proxy-Authorization")
        credentials = None
        if sent is not None:
            credentials = base64.b64decode(sent.split()[-1]).decode("utf-8", "backslashreplace")
        line = {"server": self.server.name, "method": self.command, "target": self.path, "host": self.headers["Host"]}
        self.server.write({**line, "credentials": credentials})
        if self.server.name == "origin" or sent is not None:
            self.send_response(404)
        else:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_HEAD = do_CONNECT = record

    def log_message(self, format, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name, address, port, record):
        self.name = name
        self.record = record
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Recorder)

    def write(self, line):
        os.write(self.record, json.dumps(line).encode() + b"\n")

    def handle_error(self, request, client_address):
        """A client may close the connection."""


def main(record, ready, *places):
    file = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for place in places:
        name, endpoint = place.split("=")
        address, port = endpoint.rsplit(":", 1)
        server = Server(name, address, int(port), file)
        threading.Thread(target=server.serve_forever).start()
    open(ready, "w").close()


if __name__ == "__main__":
    main(*sys.argv[1:])
