// Reads bundles as Node does, one path on each line, and prints the number of certificates, or `refused` and the
// reason. As `ca` of TLS the whole file must be valid; in NODE_EXTRA_CA_CERTS everything after the first invalid
// certificate is lost.
const { spawnSync } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const tls = require("node:tls");

const count = "process.stdout.write(String(require('node:tls').getCACertificates('extra').length))";

function read(path) {
  tls.createSecureContext({ ca: readFileSync(path) });
  const environment = { ...process.env, NODE_EXTRA_CA_CERTS: path };
  const result = spawnSync(process.execPath, ["-e", count], { env: environment, encoding: "utf8" });
  if (result.stderr.includes("gnoring extra certs")) throw new Error(result.stderr);
  return result.stdout;
}

createInterface({ input: process.stdin }).on("line", (path) => {
  try {
    console.log(read(path));
  } catch (error) {
    console.log("refused", String(error).replace(/\s+/g, " "));
  }
});
