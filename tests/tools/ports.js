// Ports for servers that want to be told theirs.
'use strict';
const crypto = require('crypto'), net = require('net');

// Nobody gets these by chance: systems hand out ports from 32768 on to whoever asks for any, also to each client, so
// that a port from there may be taken between asking for it and using it.
const LEAST = 12000, MOST = 32000;
const given = new Set();

async function free() {
  for (;;) {
    const port = crypto.randomInt(LEAST, MOST);
    if (given.has(port)) continue;
    const server = net.createServer();
    const good = await new Promise(r => server.once('error', () => r(false)).listen(port, '127.0.0.1', () => r(true)));
    if (!good) continue;
    await new Promise(r => server.close(r));
    given.add(port);
    return port;
  }
}
module.exports = { free };
