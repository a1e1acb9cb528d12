// usage: serve.js DASHBOARDS
// Serves this folder, and the dashboards at /dashboards/. Prints its address.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };

const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, 'http://localhost').pathname);
  const file = path.startsWith('/dashboards/') ? join(process.argv[2], path.slice('/dashboards/'.length)) : join('.', path);
  try {
    const text = await readFile(file);
    response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream').end(text);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
