// Node's own clients request each URL once. Usage: client.js http|fetch URL…
const [kind, ...urls] = process.argv.slice(2);
const modules = { 'http:': require('http'), 'https:': require('https') };
const tell = (url, error) => console.error(`node ${kind} ${url}: ${error} ${error.cause ?? ''}`);

for (const url of urls) {
  if (kind === 'fetch') {
    fetch(url, { signal: AbortSignal.timeout(10000) }).then((answer) => answer.text()).catch((error) => tell(url, error));
  } else {
    const request = modules[new URL(url).protocol].get(url, (answer) => answer.resume());
    request.setTimeout(10000, () => request.destroy());
    request.on('error', (error) => tell(url, error));
  }
}
