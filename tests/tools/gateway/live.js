// Starts a real Envoy and a real NGINX on loopback with the files of one design, stubs behind them, and sends
// both the same requests. What must come of each is worked out here from the plan's routes alone.
// usage: node live.js PLAN.json   (see real.rs for its shape); prints one line a difference, ends with 1 if any.
'use strict';
const http = require('http'), http2 = require('http2'), https = require('https'), net = require('net');
const fs = require('fs'), os = require('os'), path = require('path'), crypto = require('crypto');
const { spawn, execFileSync } = require('child_process');
const { free } = require('../ports.js');

const design = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gateway-'));
const sleep = ms => new Promise(r => setTimeout(r, ms));
const listening = server => new Promise(r => server.listen(0, '127.0.0.1', () => r(server.address().port)));
const wrong = [];
let asked = 0;

// ---- tokens
const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' };
const b64 = v => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');
function token(claims, key = privateKey) {
  const body = { iss: design.issuer, aud: design.audience, sub: 'user-7', exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  const text = b64({ alg: 'RS256', typ: 'JWT', kid: 'k' }) + '.' + b64(body);
  return text + '.' + crypto.sign('sha256', Buffer.from(text), key).toString('base64url');
}
const GOOD = token({});
const BAD = {
  'signed by another': token({}, crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  'expired': token({ exp: 1000 }),
  'for somebody else': token({ aud: 'https://other.example' }),
  'from another issuer': token({ iss: 'https://other.example' }),
};
function subject(header) {
  try {
    const [head, body, sign] = header.replace(/^Bearer /, '').split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    const good = crypto.verify('sha256', Buffer.from(head + '.' + body), publicKey, Buffer.from(sign, 'base64url'));
    const mine = claims.iss === design.issuer && claims.aud === design.audience && claims.exp * 1000 > Date.now();
    return good && mine ? claims.sub : null;
  } catch { return null; }
}

// ---- what stands behind the gateway
const LONG = 16500; // longer than Envoy waits for a route that says nothing
function answer(service, req, res, grpc) {
  const seen = { service, path: req.url, method: req.method, headers: req.headers };
  const head = { 'x-seen': Buffer.from(JSON.stringify(seen)).toString('base64') };
  if (grpc) head['content-type'] = 'application/grpc';
  let bytes = 0;
  const reply = () => setTimeout(() => {
    if (req.headers['x-stub-stream']) {
      res.writeHead(200, grpc ? head : { ...head, 'content-type': 'text/event-stream' });
      res.write('first\n');
      setTimeout(() => res.end('last\n'), LONG);
    } else if (grpc) { res.writeHead(200, { ...head, 'grpc-status': '0' }); res.end(); }
    else { res.writeHead(200, head); res.end(String(bytes)); }
  }, Number(req.headers['x-stub-delay'] || 0));
  req.on('data', d => { bytes += d.length; });
  if (grpc && req.headers['x-stub-stream']) reply(); else req.on('end', reply);
  req.on('error', () => {});
}
async function stubs() {
  const ports = {};
  for (const [service, host] of new Map(design.routes.map(r => [r.service, r.host]))) {
    const one = http.createServer((q, s) => answer(service, q, s, false));
    one.on('upgrade', (req, socket) => {
      const seen = Buffer.from(JSON.stringify({ service, path: req.url, headers: req.headers })).toString('base64');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nx-seen: ${seen}\r\n\r\n`);
      socket.on('data', d => socket.write(d));
      socket.on('error', () => {});
    });
    ports[host + '.http'] = await listening(one);
    ports[host + '.grpc'] = await listening(http2.createServer((q, s) => answer(service, q, s, true)));
  }
  const files = { key: path.join(dir, 'key.pem'), cert: path.join(dir, 'cert.pem') };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=issuer.example', '-addext', 'subjectAltName=DNS:issuer.example',
    '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
  ports.authority = files.cert;
  const keys = https.createServer({ key: fs.readFileSync(files.key), cert: fs.readFileSync(files.cert) },
    (q, s) => s.end(JSON.stringify({ keys: [jwk] })));
  ports['issuer.example.http'] = await listening(keys);
  ports['otel-collector.example.grpc'] = await listening(http2.createServer((q, s) => s.end()));
  ports.checker = await listening(http.createServer((q, s) => {
    const who = q.headers.authorization && subject(q.headers.authorization);
    const open = q.url === '/if-present' && !q.headers.authorization;
    s.writeHead(who || open ? 200 : 401, who ? { 'x-user-id': who } : {});
    s.end();
  }));
  return ports;
}

// ---- the gateways: hosts, ports and the authority that signs are rewritten, nothing else
const children = [];
function start(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', fs.openSync(path.join(dir, command + '.log'), 'w')] });
  child.on('error', e => { console.log(`${command} must be installed: ${e.message}`); process.exit(1); });
  children.push(child);
}
async function envoy(ports) {
  const file = structuredClone(design.envoy);
  const port = await free();
  file.static_resources.listeners[0].address.socket_address = { address: '127.0.0.1', port_value: port };
  const issuer = file.static_resources.clusters.find(c => c.name === 'issuer');
  issuer.transport_socket.typed_config.common_tls_context.validation_context.trusted_ca.filename = ports.authority;
  for (const c of file.static_resources.clusters)
    for (const e of c.load_assignment.endpoints[0].lb_endpoints)
      e.endpoint.address.socket_address = { address: '127.0.0.1',
        port_value: ports[e.endpoint.address.socket_address.address + (c.typed_extension_protocol_options ? '.grpc' : '.http')] };
  const at = path.join(dir, 'envoy.json');
  fs.writeFileSync(at, JSON.stringify(file));
  start('envoy', ['-c', at, '-l', 'warning', '--use-dynamic-base-id', '--concurrency', '1']);
  return { name: 'envoy', port, grpc: port };
}
async function nginx(ports) {
  const gate = { name: 'nginx', port: await free(), grpc: await free() };
  let text = design.nginx.replace('listen 8080;', `listen 127.0.0.1:${gate.port};`)
    .replace('listen 8081 http2;', `listen 127.0.0.1:${gate.grpc} http2;`)
    .replaceAll('set $checker token-check.example;', `set $checker 127.0.0.1:${ports.checker};`);
  text = text.replace(/set \$service ([^;]+):8080;([^}]*)/g, (_, host, rest) =>
    `set $service 127.0.0.1:${ports[host + (rest.includes('grpc_pass') ? '.grpc' : '.http')]};${rest}`);
  const at = path.join(dir, 'nginx.conf');
  fs.writeFileSync(at, text);
  start('nginx', ['-e', 'stderr', '-c', at, '-g', `daemon off; pid ${dir}/nginx.pid;`]);
  return gate;
}
async function ready(gate) {
  for (let i = 0; i < 150; i++) {
    const up = await new Promise(r => { const s = net.connect(gate.port, '127.0.0.1', () => { s.end(); r(true); }); s.on('error', () => r(false)); });
    if (up) return;
    await sleep(100);
  }
  throw new Error(`${gate.name} did not start: ${fs.readFileSync(path.join(dir, gate.name + '.log'), 'utf8').slice(-2000)}`);
}

// ---- clients, told apart by their address
let last = 1;
const address = () => { last++; return `127.1.${last >> 8 & 255}.${(last & 255) || 1}`; };
function once(gate, q) {
  asked++;
  const began = Date.now();
  if (q.grpc) return rpc(gate, q, began);
  return new Promise(done => {
    const req = http.request({ host: '127.0.0.1', port: gate.port, method: q.method, path: q.path, localAddress: q.from, agent: false,
      headers: { host: design.host, ...(q.token ? { authorization: 'Bearer ' + q.token } : {}), ...(q.body ? { 'content-length': q.body } : {}), ...q.headers } });
    const end = (status, res, first, text) => done({ status, ms: Date.now() - began, first, text,
      allow: res?.headers.allow, retry: res?.headers['retry-after'], socket: req.socket,
      seen: res?.headers['x-seen'] ? JSON.parse(Buffer.from(res.headers['x-seen'], 'base64')) : null });
    req.on('upgrade', (res, socket) => { req.socket = socket; end(101, res); });
    req.on('response', res => {
      let text = '', first;
      res.on('data', d => { first ??= Date.now() - began; text += d; });
      res.on('end', () => end(res.statusCode, res, first, text));
      res.on('error', () => end(res.statusCode, res, first, text));
    });
    req.on('error', e => end(e.code));
    if (q.body) req.write(Buffer.alloc(q.body, 'x'));
    req.end();
  });
}
// What a client library makes of an answer of HTTP.
const STATUS_OF = { 16: 401, 7: 403, 12: 404, 14: 503, 4: 504 };
function rpc(gate, q, began) {
  return new Promise(done => {
    const client = http2.connect(`http://${design.host}`, { createConnection: () => net.connect({ port: gate.grpc, host: '127.0.0.1', localAddress: q.from }) });
    let head = {}, trailer = {}, text = '', first;
    const end = status => {
      const grpc = head['grpc-status'] ?? trailer['grpc-status'];
      let s = status ?? head[':status'];
      if (s === 200 && grpc && grpc !== '0') s = STATUS_OF[grpc] ?? `grpc ${grpc}`;
      client.destroy();
      done({ status: s, http: head[':status'], grpc, ms: Date.now() - began, first, text,
        seen: head['x-seen'] ? JSON.parse(Buffer.from(head['x-seen'], 'base64')) : null });
    };
    client.on('error', e => end(e.code));
    const s = client.request({ ':method': q.method, ':path': q.path, 'content-type': q.type ?? 'application/grpc', te: 'trailers',
      ...(q.token ? { authorization: 'Bearer ' + q.token } : {}), ...q.headers });
    s.on('response', h => { head = h; });
    s.on('trailers', t => { trailer = t; });
    s.on('data', d => { first ??= Date.now() - began; text += d; });
    s.on('end', () => end());
    s.on('error', e => end(e.code));
    s.end();
  });
}
const limited = a => a.status === 429 || (a.grpc === '14' && !a.seen && a.ms < 300);
// A request that is about something else than limits waits until it is let through.
async function ask(gate, q) {
  for (let i = 0; ; i++) {
    const a = await once(gate, { from: address(), ...q });
    if (!limited(a) || i > 40) return a;
    await sleep(120 + Math.random() * 400);
  }
}

// ---- what the plan says
const segments = p => p.split('/').slice(1);
const same = (a, b) => decodeURIComponent(a) === decodeURIComponent(b);
function fits(r, p) {
  const want = segments(r.path.replace(/\/$/, m => r.prefix ? '' : m)), have = segments(p);
  if (r.prefix ? have.length < want.length : have.length !== want.length) return false;
  return want.every((w, i) => {
    if (!w.includes('{')) return same(w, have[i]);
    const [before, after] = [w.slice(0, w.indexOf('{')), w.slice(w.lastIndexOf('}') + 1)];
    return have[i].length > before.length + after.length && have[i].startsWith(before) && have[i].endsWith(after);
  });
}
function plan(method, target, grpc) {
  const p = target.split('?')[0];
  if (/\/\/|\/(\.|%2e){1,2}(\/|$)|%2f|%5c|%00|\\/i.test(p)) return { status: 400 };
  const there = design.routes.filter(r => fits(r, p) && (!r.grpc || grpc));
  const hit = there.find(r => !r.method || r.method === method);
  if (hit) return { status: 200, route: hit };
  if (!there.length) return { status: 404 };
  return { status: 405, allow: [...new Set(there.filter(r => !r.grpc).map(r => r.method))].sort().join(', ') };
}
const sample = (r, word = 'x1') => r.path.replace(/\{[^}]*\}/g, word).replace(/\/$/, m => r.prefix ? '' : m) + (r.prefix ? '/deep/er' : '');
const methods = r => r.method ? [r.method] : ['GET', 'POST'];

function must(gate, what, is, should) {
  if (JSON.stringify(is) !== JSON.stringify(should)) wrong.push(`${gate.name}: ${what}: ${JSON.stringify(is)}, not ${JSON.stringify(should)}`);
}
function between(gate, what, is, least, most) {
  if (!(is >= least && is <= most)) wrong.push(`${gate.name}: ${what}: ${is}, not between ${least} and ${most}`);
}
const FORGED = { 'x-user-id': 'root', 'x-internal-caller': 'orders', 'x-forwarded-client-cert': 'c', tracestate: 'a=b', baggage: 'a=b', 'x-kept': 'yes' };

async function route(gate, r) {
  const method = methods(r)[0], at = sample(r);
  const mine = plan(method, at, r.grpc);
  if (mine.route !== r) return; // a more specific one takes the sample
  const q = { method, path: at, grpc: r.grpc, token: GOOD };
  const name = `${method} ${at}`;
  const jobs = [];
  if (r.stream === 'websocket') jobs.push(websocket(gate, r, q));
  else if (r.stream) jobs.push((async () => {
    const a = await ask(gate, { ...q, headers: { 'x-stub-stream': '1' } });
    must(gate, `${name} to its end`, [a.status, a.text], [200, 'first\nlast\n']);
    between(gate, `${name} first event after ms`, a.first, 0, 2000);
  })());
  jobs.push((async () => {
    const query = r.grpc ? '' : '?a=b%20c&d=%2F//..';
    const a = await ask(gate, { ...q, path: at + query, headers: FORGED });
    must(gate, `${name} status`, a.status, 200);
    if (!a.seen) return;
    must(gate, `${name} reaches`, [a.seen.service, a.seen.path, a.seen.method], [r.service, at + query, method]);
    const h = a.seen.headers;
    must(gate, `${name} user`, h['x-user-id'], 'user-7');
    must(gate, `${name} token goes on`, !!h.authorization, design.forwards_token);
    for (const k of ['x-internal-caller', 'x-forwarded-client-cert', 'baggage']) must(gate, `${name} ${k}`, h[k], undefined);
    must(gate, `${name} tracestate of the client`, h.tracestate === 'a=b', false);
    must(gate, `${name} other headers`, h['x-kept'], 'yes');
    must(gate, `${name} trace`, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/.test(h.traceparent), true);
    must(gate, `${name} request id`, !!h['x-request-id'], true);
    const without = await ask(gate, { ...q, token: null, headers: FORGED });
    must(gate, `${name} without a token`, without.status, r.token === 'required' ? 401 : 200);
    if (without.seen) must(gate, `${name} user without a token`, without.seen.headers['x-user-id'], undefined);
    for (const [why, bad] of Object.entries(BAD)) {
      const b = await ask(gate, { ...q, token: bad });
      must(gate, `${name} with a token ${why}`, [401, 403].includes(b.status), true);
      must(gate, `${name} with a token ${why} reaches nobody`, b.seen, null);
    }
    await limit(gate, r, q, name);
  })());
  if (!r.grpc) jobs.push((async () => {
    for (const other of ['DELETE', 'PATCH', 'GET']) {
      const e = plan(other, at, false);
      const a = await ask(gate, { ...q, method: other });
      must(gate, `${other} ${at}`, [a.status, a.allow], [e.status, e.allow]);
      must(gate, `${other} ${at} reaches`, a.seen?.service, e.route?.service);
    }
    const targets = [at + '/', sample(r, 'a%22b'), sample(r, '%2e%2e'), sample(r, 'a%2Fb'), '/' + at, at + '//z', '/x/..' + at, at + '/./z', at + 'zz'];
    for (const t of new Set([...targets, at.replace(/%[0-9A-F]{2}/g, m => m.toLowerCase())])) {
      const e = plan(method, t, false);
      const a = await ask(gate, { ...q, path: t });
      const status = e.route && e.route.stream === 'websocket' ? a.status : e.status;
      must(gate, `${method} ${t}`, a.status, status);
      if (e.route) must(gate, `${method} ${t} reaches`, [a.seen?.service, a.seen?.path], [e.route.service, t]);
    }
  })()); else jobs.push((async () => {
    const a = await ask(gate, { ...q, type: 'application/json' });
    must(gate, `${name} that is no gRPC`, a.status, plan(method, at, false).status);
  })());
  if (r.timeout_ms && r.timeout_ms <= 6000) jobs.push((async () => {
    const slow = await ask(gate, { ...q, headers: { 'x-stub-delay': r.timeout_ms + 2500 } });
    must(gate, `${name} behind a slow service`, slow.status === 504 || (r.grpc && [503, 504].includes(slow.status)), true);
    between(gate, `${name} gives up after ms`, slow.ms, r.timeout_ms - 60, r.timeout_ms + 900);
    const quick = await ask(gate, { ...q, headers: { 'x-stub-delay': Math.floor(r.timeout_ms / 3) } });
    must(gate, `${name} behind a service in time`, quick.status, 200);
    counted.slow++;
  })());
  if (r.body && !r.grpc && method !== 'GET') jobs.push((async () => {
    must(gate, `${name} with the largest body`, await ask(gate, { ...q, body: r.body }).then(a => [a.status, a.text]), [200, String(r.body)]);
    must(gate, `${name} with a larger body`, (await ask(gate, { ...q, body: r.body + 1 })).status, 413);
    counted.bodies++;
  })());
  await Promise.all(jobs);
}
const counted = { slow: 0, bodies: 0, limits: 0 };

// Everybody else is done with the route then.
const later = [];
async function limit(gate, r, q, name) { later.push(async () => {
  const full = async () => sleep(Math.ceil(r.at_once / r.limit * 1000) + 300);
  for (const [whose, most, rate, from] of [['one client', r.burst, r.client_limit, address()], ['all clients', r.at_once, r.limit, null]]) {
    if (most > 60) continue; // more at once than one machine can send and count
    await full();
    const began = Date.now();
    const all = await Promise.all(Array.from({ length: most + 4 }, () => once(gate, { ...q, from: from ?? address() })));
    const took = (Date.now() - began) / 1000;
    const good = all.filter(a => a.seen).length;
    between(gate, `${name} of ${whose} at once`, good, most, Math.min(most + Math.ceil(took * rate), most + 3));
    const refused = all.filter(a => !a.seen);
    must(gate, `${name} of ${whose} above`, [...new Set(refused.map(a => r.grpc && a.http === 200 ? 429 : a.status))], [429]);
    if (!r.grpc) must(gate, `${name} says when to come back`, refused.every(a => /^\d+$/.test(a.retry)), true);
    counted.limits++;
  }
}); }

async function websocket(gate, r, q) {
  const a = await ask(gate, { ...q, headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' } });
  must(gate, `${q.path} opens a WebSocket`, a.status, 101);
  if (a.status !== 101) return;
  let got = '';
  a.socket.on('data', d => { got += d; });
  a.socket.on('error', () => {});
  a.socket.write('one ');
  await sleep(LONG);
  a.socket.write('two');
  await sleep(300);
  must(gate, `${q.path} carries both ways, long`, got, 'one two');
  a.socket.destroy();
}

async function main() {
  const ports = await stubs();
  const gates = [await envoy(ports), await nginx(ports)];
  for (const gate of gates) await ready(gate);
  // Envoy fetches the keys with the first token.
  const first = design.routes.find(r => r.token === 'required' && !r.grpc);
  if (first) for (let i = 0; i < 20; i++) {
    const a = await ask(gates[0], { method: methods(first)[0], path: sample(first), token: GOOD });
    if (a.status === 200) break;
    await sleep(200);
  }
  await Promise.all(gates.map(async gate => {
    await Promise.all(design.routes.map(r => route(gate, r)));
    const e = plan('GET', '/no-such-thing', false);
    must(gate, 'an unknown path', (await ask(gate, { method: 'GET', path: '/no-such-thing', token: GOOD })).status, e.status);
    // NGINX keeps these for itself.
    for (const inner of ['/_token_required', '/_route/' + design.routes[0].name])
      must(gate, inner, (await ask(gate, { method: 'GET', path: inner, token: GOOD })).status, gate.name === 'nginx' ? 404 : plan('GET', inner, false).status);
  }));
  while (later.length) await Promise.all(later.splice(0, 6).map(f => f()));
}
main().catch(e => wrong.push(e.stack)).finally(() => {
  for (const c of children) c.kill('SIGTERM');
  fs.rmSync(dir, { recursive: true, force: true });
  for (const w of [...new Set(wrong)]) console.log(w);
  console.log(`${asked} requests, ${design.routes.length} routes, ${JSON.stringify(counted)}`);
  process.exit(wrong.length ? 1 : 0);
});
