"""Runs inside mitmdump: the origin's name resolves to loopback, all other names are unknown.

A client reaches the origin only through the proxy, because no name server knows its name.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import ctx


class Routes:
    def load(self, loader):
        loader.add_option("route", Sequence[str], [], "NAME=ADDRESS:PORT of an origin")
        loader.add_option("ready_file", str, "", "gets the port once the proxy listens")
        loader.add_option("request_log", str, "", "gets a line of JSON for each request")

    def running(self):
        port = ctx.master.addons.get("proxyserver").listen_addrs()[0][1]
        partial = Path(ctx.options.ready_file + ".new")
        partial.write_text(str(port), encoding="ascii")
        partial.rename(ctx.options.ready_file)

    def server_connect(self, data):
        routes = dict(route.split("=", 1) for route in ctx.options.route)
        target = routes.get(data.server.address[0])
        if target is None:
            data.server.error = "no route"
            return
        address, port = target.rsplit(":", 1)
        data.server.address = (address, int(port))

    def response(self, flow):
        user, _ = flow.metadata.get("proxyauth", (None, None))
        line = {"host": flow.request.pretty_host, "path": flow.request.path, "user": user}
        with open(ctx.options.request_log, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


addons = [Routes()]
