// Starts real Envoys on loopback with the sidecar files of one design, stubs behind them and certificates of an
// authority of its own, and sends them requests. What must come of each is worked out here from the plan alone.
// usage: node live.js PLAN.json   (see mesh/real.rs for its shape); prints one line a difference, ends with 1 if any.
'use strict';
const http = require('http'), https = require('https'), http2 = require('http2'), net = require('net');
const fs = require('fs'), os = require('os'), path = require('path');
const { spawn, execFileSync } = require('child_process');
const { free } = require('../ports.js');

const design = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-'));
const sleep = ms => new Promise(r => setTimeout(r, ms));
const listening = server => new Promise(r => server.listen(0, '127.0.0.1', () => r(server.address().port)));
const wrong = [], counted = { requests: 0, slow: 0, failed: 0, full: 0, ejected: 0, refused: 0, within: 0 };
const must = (what, is, should) => {
  if (JSON.stringify(is) !== JSON.stringify(should)) wrong.push(`${what}: ${JSON.stringify(is)}, not ${JSON.stringify(should)}`);
};
const between = (what, is, least, most) => {
  if (!(is >= least && is <= most)) wrong.push(`${what}: ${is}, not between ${least} and ${most}`);
};

// ---- certificates, in place of SPIRE's
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'ignore'] });
const at = name => path.join(dir, name);
openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=authority',
  '-keyout', 'ca.key', '-out', 'ca.pem');
const issued = {};
function certificate(identity) {
  if (issued[identity]) return issued[identity];
  const n = `c${Object.keys(issued).length}`;
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=service',
    '-keyout', n + '.key', '-out', n + '.csr');
  fs.writeFileSync(at(n + '.ext'), `subjectAltName=URI:${identity}\n`);
  openssl('x509', '-req', '-in', n + '.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', n + '.ext', '-out', n + '.pem');
  return issued[identity] = { key: at(n + '.key'), cert: at(n + '.pem') };
}
const read = c => ({ key: fs.readFileSync(c.key), cert: fs.readFileSync(c.cert), ca: fs.readFileSync(at('ca.pem')) });

// ---- what stands behind: two instances of each callee, and the services themselves
const hits = {}; // by the request's id: which instances it reached
const sick = new Set(); // instances that fail
function answer(service, instance, req, res, grpc) {
  if (req.headers['user-agent'] === 'Envoy/HC' || req.url.startsWith('/grpc.health')) {
    if (!grpc) { res.writeHead(200); return res.end(); }
    res.writeHead(200, { 'content-type': 'application/grpc' });
    res.addTrailers({ 'grpc-status': '0' });
    return res.end(Buffer.from([0, 0, 0, 0, 2, 8, 1])); // SERVING
  }
  (hits[req.headers['x-id']] ??= []).push(instance);
  const order = req.headers['x-stub'] ?? '';
  if (order === 'hang') return;
  const bad = order === '503' || sick.has(instance);
  const reply = () => {
    const seen = Buffer.from(JSON.stringify({ service, instance, path: req.url, headers: req.headers,
      who: req.socket.getPeerCertificate?.()?.subjectaltname ?? null })).toString('base64');
    if (grpc) { res.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': bad ? '14' : '0', 'x-seen': seen }); }
    else res.writeHead(bad ? 503 : 200, { 'x-seen': seen });
    res.end();
  };
  const wait = Number(/^wait (\d+)/.exec(order)?.[1] ?? 0);
  req.on('data', () => {}); req.on('error', () => {});
  if (wait) setTimeout(reply, wait); else reply();
}
async function instance(service, n, grpc) {
  const tls = { ...read(certificate(design.identities[service])), requestCert: true, rejectUnauthorized: true };
  const on = (q, s) => answer(service, `${service}${n}`, q, s, grpc);
  return listening(grpc ? http2.createSecureServer({ ...tls, ALPNProtocols: ['h2'] }, on) : https.createServer(tls, on));
}

// ---- Envoys: addresses and the source of certificates are rewritten, and whom they trust is as wide as ever
const children = [];
function local(value) {
  if (Array.isArray(value)) return value.forEach(local);
  if (!value || typeof value !== 'object') return;
  if (value.sds_config) delete value.sds_config;
  Object.values(value).forEach(local);
}
async function envoy(name, behind) {
  const file = structuredClone(design.files[name]);
  const own = name.replace('.retrying', '');
  const ports = {};
  local(file);
  const mine = certificate(design.identities[own]);
  file.static_resources.secrets = [
    { name: design.identities[own], tls_certificate: { certificate_chain: { filename: mine.cert }, private_key: { filename: mine.key } } },
    { name: design.trust, validation_context: { trusted_ca: { filename: at('ca.pem') } } },
  ];
  const admin = await free();
  file.admin.address.socket_address.port_value = admin;
  for (const l of file.static_resources.listeners) {
    ports[l.name] = await free();
    l.address.socket_address = { address: '127.0.0.1', port_value: ports[l.name] };
    // Envoys before 1.33 take whoever comes from a private address for one of theirs.
    const hcm = l.filter_chains[0].filters.at(-1).typed_config;
    if (hcm.http_filters) hcm.internal_address_config = { unix_sockets: false };
  }
  for (const c of file.static_resources.clusters) {
    const to = behind[c.name] ?? behind[c.name.split('.')[0]] ?? (c.name === 'admin' ? [admin] : null);
    if (!to) continue;
    c.load_assignment.endpoints[0].lb_endpoints = to.map(port => ({ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }));
  }
  const config = at(`${name}-${children.length}.json`), log = at(`${name}-${children.length}.log`);
  fs.writeFileSync(config, JSON.stringify(file));
  const child = spawn('envoy', ['-c', config, '-l', 'warning', '--use-dynamic-base-id', '--concurrency', '1'],
    { stdio: ['ignore', 'ignore', fs.openSync(log, 'w')] });
  child.on('error', e => { console.log(`envoy must be installed: ${e.message}`); process.exit(1); });
  children.push(child);
  for (let i = 0; ; i++) {
    const up = await new Promise(r => http.get({ host: '127.0.0.1', port: ports.metrics, path: '/ready' }, s => { s.resume(); r(s.statusCode === 200); }).on('error', () => r(false)));
    if (up) return { name, ports, admin };
    if (i > 150) throw new Error(`${name} did not start: ${fs.readFileSync(log, 'utf8').slice(-2000)}`);
    await sleep(100);
  }
}

// ---- requests
let next = 0;
const seen = h => h['x-seen'] ? JSON.parse(Buffer.from(h['x-seen'], 'base64')) : null;
// What a client library makes of an answer of gRPC; Envoy's own timeout is UNAVAILABLE there.
const STATUS_OF = { 0: 200, 4: 504, 7: 403, 8: 503, 12: 404, 14: 503 };
function ask(port, call, headers = {}, tls = null) {
  counted.requests++;
  const id = `r${next++}`, began = Date.now();
  const end = (status, h = {}) => ({ status, ms: Date.now() - began, seen: seen(h), hits: hits[id] ?? [], headers: h });
  if (call.grpc) return new Promise(done => {
    const client = http2.connect((tls ? 'https' : 'http') + `://${call.host}`, { createConnection: () => tls
      ? require('tls').connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], checkServerIdentity: () => undefined, ...tls }) : net.connect(port, '127.0.0.1') });
    let head = {}, trailer = {};
    const finish = s => { client.destroy(); done(s ? end(s) : end(head[':status'] === 200 ? STATUS_OF[head['grpc-status'] ?? trailer['grpc-status']] : head[':status'], head)); };
    client.on('error', e => finish(e.code));
    const s = client.request({ ':method': 'POST', ':path': call.path, 'content-type': 'application/grpc', te: 'trailers', 'x-id': id, ...headers });
    s.on('response', h => { head = h; }); s.on('trailers', t => { trailer = t; });
    s.on('data', () => {}); s.on('end', () => finish()); s.on('error', e => finish(e.code));
    s.end();
  });
  return new Promise(done => {
    const req = (tls ? https : http).request({ host: '127.0.0.1', port, method: call.method, path: call.path, agent: false,
      checkServerIdentity: () => undefined, ...tls, headers: { host: call.host, 'x-id': id, ...headers } }, res => {
      res.resume();
      res.on('end', () => done(end(res.statusCode, res.headers)));
      res.on('error', () => done(end(res.statusCode, res.headers)));
    });
    req.on('error', e => done(end(e.code)));
    req.end();
  });
}

// ---- what the plan says of a call from outside of it
async function call(sidecar, c) {
  const retries = sidecar.name.endsWith('.retrying');
  const attempts = retries ? c.attempts : 1;
  const port = sidecar.ports.outbound;
  const name = `${sidecar.name}: ${c.name}`;
  const well = async () => { for (let i = 0; i < 6; i++) await ask(port, c); };
  const good = await ask(port, c);
  must(`${name} status`, good.status, 200);
  must(`${name} reaches`, good.seen?.service, c.to);
  must(`${name} comes from`, good.seen?.who, `URI:${design.identities[c.from]}`);
  const slow = await ask(port, c, { 'x-stub': 'hang' });
  must(`${name} behind a callee that hangs`, slow.status, c.grpc ? 503 : 504);
  must(`${name} tries of a callee that hangs`, slow.hits.length, c.idempotent ? attempts : 1);
  const least = c.timeout_ms * (c.idempotent ? attempts : 1);
  between(`${name} gives up after ms`, slow.ms, least - 60, (retries && c.idempotent ? c.whole_ms : c.timeout_ms) + 350);
  counted.slow++;
  await well();
  const failed = await ask(port, c, { 'x-stub': '503' });
  must(`${name} behind a callee that fails`, failed.status, 503);
  must(`${name} tries of a callee that fails`, failed.hits.length, c.idempotent ? attempts : 1);
  if (attempts === 2 && c.idempotent) must(`${name} tries another instance`, new Set(failed.hits).size, 2);
  counted.failed++;
  await well();
  const told = await ask(port, c, { 'x-stub': '503', 'x-envoy-retry-on': '5xx', 'x-envoy-retry-grpc-on': 'unavailable', 'x-envoy-max-retries': '7', 'x-forwarded-for': '10.0.0.9' });
  must(`${name} tries of a caller that gives orders`, told.hits.length, c.idempotent ? attempts : 1);
  await well();
  const all = await Promise.all(Array.from({ length: c.slots + 4 }, () => ask(port, c, { 'x-stub': `wait ${Math.floor(c.timeout_ms / 2)}` })));
  must(`${name} at once`, all.filter(a => a.status === 200).length, c.slots);
  must(`${name} above`, [...new Set(all.filter(a => a.status !== 200).map(a => a.status))], [503]);
  must(`${name} above reaches nobody`, all.filter(a => a.status !== 200 && a.hits.length).length, 0);
  counted.full++;
}

// An instance that fails so often in a row is left out, as long as the breaker would be open.
async function eject(sidecar, c) {
  const name = `${sidecar.name}: ${c.name}`;
  const port = sidecar.ports.outbound;
  const bad = `${c.to}0`;
  sick.add(bad);
  let failures = 0, last = 0;
  for (let i = 0; i < c.failures * 12 && failures < c.failures; i++) {
    const a = await ask(port, c);
    if (a.hits[0] === bad) { failures++; last = Date.now(); }
  }
  must(`${name} failures of one instance`, failures, c.failures);
  const after = [];
  for (let i = 0; i < 25; i++) after.push(await ask(port, c));
  must(`${name} reaches the instance that is left out`, after.filter(a => a.hits[0] === bad).length, 0);
  sick.delete(bad);
  let back = 0;
  while (!back && Date.now() - last < c.open_ms + c.interval_ms + 3000) {
    const a = await ask(port, c);
    if (a.hits[0] === bad) back = Date.now() - last;
    await sleep(20);
  }
  between(`${name} comes back after ms`, back, c.open_ms - 60, c.open_ms + c.interval_ms + 600);
  counted.ejected++;
}

// ---- what the plan says of a service towards its callers
async function inside(sidecar, s) {
  for (const c of design.inside.filter(c => c.to === s)) {
    const port = sidecar.ports[c.grpc ? 'inbound-grpc' : 'inbound-http'];
    const name = `${s} from inside: ${c.name}`;
    for (const [who, identity] of Object.entries(design.accounts)) {
      const a = await ask(port, c, { 'x-forwarded-client-cert': 'By=forged' }, read(certificate(identity)));
      const may = design.clients[s].includes(who);
      must(`${name} from ${who}`, a.status, may ? 200 : 403);
      must(`${name} from ${who} reaches`, a.hits.length, may ? 1 : 0);
      if (may) must(`${name} is told who calls`, a.seen?.headers['x-forwarded-client-cert'].replace(/Hash=\w+;/, ''), `By=${design.identities[s]};URI=${identity}`);
      counted.refused += !may;
    }
    const { ca } = read(certificate(design.identities[s]));
    const nobody = await ask(port, c, {}, { ca });
    must(`${name} without a certificate`, typeof nobody.status === 'string' && !nobody.hits.length, true);
    const friend = design.clients[s][0];
    if (!friend) continue;
    const slow = await ask(port, c, { 'x-stub': 'hang' }, read(certificate(design.accounts[friend])));
    must(`${name} that hangs`, slow.status, c.grpc ? 503 : 504);
    between(`${name} gives up after ms`, slow.ms, c.timeout_ms - 60, c.timeout_ms + 350);
    counted.within++;
  }
  const port = sidecar.ports.metrics;
  const get = (method, p) => ask(port, { method, path: p, host: 'x' });
  must(`${s} counts of Envoy`, (await get('GET', '/stats/prometheus')).status, 200);
  must(`${s} counts of its own`, (await get('GET', '/metrics')).status, design.http[s] ? 200 : 404);
  must(`${s} at the port for counts`, [(await get('POST', '/metrics')).status, (await get('GET', '/quitquitquit')).status], [404, 404]);
}

async function main() {
  const behind = {};
  for (const [to, grpc] of new Map(design.calls.map(c => [c.to, c.grpc])))
    behind[to] = [await instance(to, 0, grpc), await instance(to, 1, grpc)];
  const own = async (s) => ({
    'local.http': [await listening(http.createServer((q, r) => answer(s, s, q, r, false)))],
    'local.grpc': [await listening(http2.createServer((q, r) => answer(s, s, q, r, true)))],
  });
  const of = name => design.calls.filter(c => c.from === name.replace('.retrying', ''));
  const jobs = Object.keys(design.files).map(async name => {
    const calls = of(name);
    const sidecar = await envoy(name, { ...behind, ...await own(name) });
    for (const c of calls) await call(sidecar, c);
    if (!name.endsWith('.retrying')) await inside(sidecar, name);
  });
  // Its own Envoys: nothing before has failed there.
  await Promise.all(jobs);
  for (const name of Object.keys(design.files).filter(n => !n.endsWith('.retrying') && of(n).length)) {
    const sidecar = await envoy(name, { ...behind, ...await own(name) });
    for (const c of of(name).filter(c => c.failures)) await eject(sidecar, c);
  }
}
main().catch(e => wrong.push(e.stack)).finally(() => {
  for (const c of children) c.kill('SIGTERM');
  fs.rmSync(dir, { recursive: true, force: true });
  for (const w of [...new Set(wrong)]) console.log(w);
  console.log(JSON.stringify(counted));
  process.exit(wrong.length ? 1 : 0);
});
