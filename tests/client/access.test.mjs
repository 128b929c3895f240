// Who may do what: every route and message x every credential x where it comes from, in tables. Proofs are NIP-98 and
// NIP-42 events; the right ones are made by nostr-tools.
import { elsewhere, here, vpn } from "./namespace.mjs";
import "./globals.mjs";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nip42, nip98 } from "nostr-tools";
import WebSocket from "ws";
import { Person, now } from "./people.mjs";
import { Server } from "./server.mjs";

const [alice, mallory] = [new Person(), new Person()];
const loopback = "127.0.0.1";
let server, port, asset;

before(async () => {
  const open = (made) => {
    const config = join(made.directory, "config.toml");
    writeFileSync(config, "[limits]\nrequests-burst = 100000\n"); // what that means stands in doors.test.mjs
    return ["--api-listen", `0.0.0.0:${made.port + 1}`, "--api-insecure", "--trust", "198.51.100.0/24", "--config", config];
  };
  server = await Server.start(alice.key, { args: open });
  port = server.port + 1;
  asset = /\/assets\/main-[0-9a-f]+\.js/.exec(await (await fetch(server.url)).text())[0];
});
after(async () => assert.equal(await server.stop(), 0));

// From where somebody asks, by which address, on which page, behind which proxy.
const places = {
  loopback: { from: loopback, to: loopback },
  "own page": { from: loopback, to: loopback, headers: () => ({ Origin: `http://127.0.0.1:${port}` }) },
  vpn: { from: vpn, to: here },
  elsewhere: { from: elsewhere, to: here },
  "foreign page": { from: loopback, to: loopback, headers: () => ({ Origin: "https://client.example" }) },
  "page of another local port": { from: loopback, to: loopback, headers: () => ({ Origin: `http://localhost:${port + 1}` }) },
  "foreign page in the vpn": { from: vpn, to: here, headers: () => ({ Origin: "null" }) },
  "behind a proxy": { from: loopback, to: loopback, headers: () => ({ "X-Forwarded-For": elsewhere }) },
  "by a foreign name": { from: loopback, to: loopback, headers: () => ({ Host: `evil.example:${port}` }) },
  "by another address": { from: vpn, to: here, headers: () => ({ Host: `${elsewhere}:${port}` }) },
};
const trusted = ["loopback", "own page", "vpn"];
const remote = ["elsewhere", "foreign page", "page of another local port", "foreign page in the vpn", "behind a proxy"];
const misnamed = ["by a foreign name", "by another address"];

const headersOf = (place) => ({ Host: `${place.to}:${port}`, ...place.headers?.() });
function ask(place, { method, path, body = "", headers = {} }) {
  const json = body ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const options = { host: place.to, port, localAddress: place.from, method, path, agent: false };
    const request = http.request({ ...options, headers: { ...headersOf(place), ...json, ...headers } }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// "| a | b |" lines: an object for each row but the first, which names its columns.
function rows(table) {
  const [names, ...lines] = table.trim().split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  return lines.map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i]])));
}

// --- what can be asked over HTTP

let made = 0;
const post = (tags = []) => JSON.stringify(alice.sign(1, `post ${++made}`, tags));
const routes = {
  "/publish": () => ({ method: "POST", path: "/publish", body: post() }),
  "/publish [-]": () => ({ method: "POST", path: "/publish", body: post([["-"]]) }), // protected, NIP-70
  "/req": () => ({ method: "POST", path: "/req", body: '{"kinds":[1],"limit":3}' }),
  "/status": () => ({ method: "GET", path: "/status" }),
  "/healthz": () => ({ method: "GET", path: "/healthz" }),
  "/metrics": () => ({ method: "GET", path: "/metrics" }),
};

async function nonce() {
  const asked = await ask(places.elsewhere, routes["/req"]());
  return /^Nostr nonce="([0-9a-f]{32})"$/.exec(asked.headers["www-authenticate"])[1];
}
const urlOf = (place, path) => `http://${headersOf(place).Host}${path}`;
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const encoded = (event) => `Nostr ${Buffer.from(JSON.stringify(event)).toString("base64")}`;
function proof(place, request, { by = alice, age = 0, kind = 27235, ...other } = {}) {
  const said = { url: urlOf(place, request.path), method: request.method, body: request.body, ...other };
  const tags = [["u", said.url], ["method", said.method]];
  if (said.body) tags.push(["payload", sha256(said.body)]);
  return by.sign(kind, "", tags, now() - age);
}

// Each turns a request (whose URL has a nonce already, but for the first three) into the one that is sent.
const plainCredentials = {
  none: () => ({}),
  "another scheme": () => ({ Authorization: "Basic YWxpY2U6c2VjcmV0" }),
  "no event": () => ({ Authorization: "Nostr e30=" }),
};
const credentials = {
  "a forged one": (place, request) => ({ ...proof(place, request), sig: "0".repeat(128) }),
  "an event of another kind": (place, request) => proof(place, request, { kind: 22242 }),
  "a stale one": (place, request) => proof(place, request, { age: 90 }),
  "one of the future": (place, request) => proof(place, request, { age: -90 }),
  "for another path": (place, request) => proof(place, request, { url: urlOf(place, `/else?${request.path.split("?")[1]}`) }),
  "for another query": (place, request) => proof(place, request, { url: urlOf(place, `${request.path}&more`) }),
  "for another server": (place, request) => proof(place, request, { url: `http://other.example${request.path}` }),
  "for another method": (place, request) => proof(place, request, { method: request.method === "GET" ? "POST" : "GET" }),
  "for another body": (place, request) => proof(place, request, { body: request.body && `${request.body} ` }),
  "without the body": (place, request) => proof(place, request, { body: undefined }),
  "another's key": (place, request) => proof(place, request, { by: mallory }),
};

async function statusOf(place, route, credential) {
  const request = routes[route]();
  if (credential in plainCredentials) return (await ask(place, { ...request, headers: plainCredentials[credential]() })).status;
  if (credential !== "no nonce") request.path += `?nonce=${credential === "an invented nonce" ? "7".repeat(32) : await nonce()}`;
  if (credential in credentials) {
    const Authorization = encoded(credentials[credential](place, request));
    return (await ask(place, { ...request, headers: { Authorization } })).status;
  }
  const sign = async (template) => alice.finish(template);
  const token = await nip98.getToken(urlOf(place, request.path), request.method, sign, true, request.body && JSON.parse(request.body));
  const send = { ...request, headers: { Authorization: token } };
  const first = (await ask(place, send)).status;
  if (credential === "replayed") return (await ask(place, send)).status;
  if (credential === "a used nonce") {
    const another = { ...routes[route](), path: request.path };
    return (await ask(place, { ...another, headers: { Authorization: encoded(proof(place, another)) } })).status;
  }
  return first;
}

// A proof that is wrong is refused wherever it comes from, also where none is needed. /metrics is for this machine,
// whoever asks; "for another body" and "without the body" say nothing wrong of a GET, which has none.
const overHttp = {
  remote: rows(`
credential               | /publish | /publish [-] | /req | /status | /healthz | /metrics
none                     | 200      | 401          | 401  | 401     | 401      | 403
another scheme           | 401      | 401          | 401  | 401     | 401      | 403
no event                 | 401      | 401          | 401  | 401     | 401      | 403
a forged one             | 401      | 401          | 401  | 401     | 401      | 403
an event of another kind | 401      | 401          | 401  | 401     | 401      | 403
a stale one              | 401      | 401          | 401  | 401     | 401      | 403
one of the future        | 401      | 401          | 401  | 401     | 401      | 403
for another path         | 401      | 401          | 401  | 401     | 401      | 403
for another query        | 401      | 401          | 401  | 401     | 401      | 403
for another server       | 401      | 401          | 401  | 401     | 401      | 403
for another method       | 401      | 401          | 401  | 401     | 401      | 403
for another body         | 401      | 401          | 401  | 200     | 200      | 403
without the body         | 401      | 401          | 401  | 200     | 200      | 403
another's key            | 200      | 403          | 403  | 403     | 403      | 403
no nonce                 | 401      | 401          | 401  | 401     | 401      | 403
an invented nonce        | 401      | 401          | 401  | 401     | 401      | 403
a used nonce             | 401      | 401          | 401  | 401     | 401      | 403
replayed                 | 401      | 401          | 401  | 401     | 401      | 403
right                    | 200      | 200          | 200  | 200     | 200      | 403`),
  trusted: rows(`
credential               | /publish | /publish [-] | /req | /status | /healthz | /metrics
none                     | 200      | 401          | 200  | 200     | 200      | 200
another scheme           | 401      | 401          | 401  | 401     | 401      | 200
a forged one             | 401      | 401          | 401  | 401     | 401      | 200
a stale one              | 401      | 401          | 401  | 401     | 401      | 200
for another server       | 401      | 401          | 401  | 401     | 401      | 200
another's key            | 200      | 403          | 200  | 200     | 200      | 200
replayed                 | 401      | 401          | 401  | 401     | 401      | 200
right                    | 200      | 200          | 200  | 200     | 200      | 200`),
  misnamed: rows(`
credential               | /publish | /publish [-] | /req | /status | /healthz | /metrics
none                     | 403      | 403          | 403  | 403     | 403      | 403
right                    | 403      | 403          | 403  | 403     | 403      | 403`),
};

for (const [kind, names] of Object.entries({ remote, trusted, misnamed })) {
  for (const name of names) {
    test(`HTTP, ${name}: every route with every credential`, async () => {
      const found = [];
      for (const { credential } of overHttp[kind]) {
        const row = { credential };
        for (const route of Object.keys(routes)) row[route] = String(await statusOf(places[name], route, credential));
        found.push(row);
      }
      const wanted = overHttp[kind].map((row) => (name === "vpn" ? { ...row, "/metrics": "403" } : row));
      assert.deepEqual(found, wanted);
    });
  }
}

// --- what needs no credential, and what is not there

const openRoutes = rows(`
method  | path                  | trusted | remote | misnamed
GET     | /                     | 200     | 200    | 403
GET     | / (NIP-11)            | 200     | 200    | 403
GET     | asset                 | 200     | 200    | 403
GET     | /assets/none.js       | 404     | 404    | 403
GET     | /elsewhere            | 404     | 404    | 403
GET     | /../nostrp2p.db       | 404     | 404    | 403
POST    | /                     | 404     | 404    | 403
OPTIONS | /                     | 200     | 200    | 403
OPTIONS | /publish              | 200     | 200    | 403
OPTIONS | /req                  | 200     | 200    | 403
OPTIONS | /status               | 200     | 200    | 403
OPTIONS | /healthz              | 200     | 200    | 403
OPTIONS | /metrics              | 200     | 200    | 403
HEAD    | /                     | 200     | 200    | 403
HEAD    | asset                 | 200     | 200    | 403
HEAD    | /elsewhere            | 404     | 404    | 403
HEAD    | /publish              | 405     | 405    | 403
GET     | /publish              | 405     | 405    | 403
GET     | /req                  | 405     | 405    | 403
PUT     | /publish              | 405     | 405    | 403
DELETE  | /req                  | 405     | 405    | 403
POST    | /status               | 405     | 405    | 403
POST    | /healthz              | 405     | 405    | 403
POST    | /metrics              | 405     | 405    | 403
UPGRADE | /                     | 101     | 101    | 403
UPGRADE | /publish              | 404     | 404    | 403
UPGRADE | /elsewhere            | 404     | 404    | 403`);

function upgrade(place, path) {
  return new Promise((resolve, reject) => {
    const { Host, Origin, ...rest } = headersOf(place);
    const options = { localAddress: place.from, headers: { Host, ...rest }, ...(Origin && { origin: Origin }) };
    const socket = new WebSocket(`ws://${place.to}:${port}${path}`, options);
    socket.on("open", () => resolve(101, socket.close()));
    socket.on("unexpected-response", (_, answer) => resolve(answer.statusCode, answer.destroy()));
    socket.on("error", reject);
  });
}

for (const [kind, names] of Object.entries({ trusted, remote, misnamed })) {
  for (const name of names) {
    test(`HTTP, ${name}: what needs no credential`, async () => {
      for (const { method, path, ...expected } of openRoutes) {
        const place = places[name];
        const request = { method, path: path === "asset" ? asset : path, body: method === "POST" ? "{}" : "" };
        if (path === "/ (NIP-11)") Object.assign(request, { path: "/", headers: { Accept: "application/nostr+json" } });
        const answer = method === "UPGRADE" ? { status: await upgrade(place, path) } : await ask(place, request);
        assert.equal(String(answer.status), expected[kind], `${method} ${path}`);
        if (method === "UPGRADE") continue;
        const everybody = path === "/ (NIP-11)" || (method === "OPTIONS" && path === "/");
        const allowed = kind === "misnamed" ? undefined : everybody ? "*" : undefined;
        const own = name === "own page" && !everybody && !["/", "asset"].includes(path) ? headersOf(place).Origin : allowed;
        if (answer.status !== 404) assert.equal(answer.headers["access-control-allow-origin"], own, `${method} ${path}`);
        assert.equal(answer.headers["access-control-allow-credentials"], undefined);
      }
    });
  }
}

test("a form cannot publish, and nothing answers with a script", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-7"]) {
    const sent = { ...routes["/publish"](), headers: { "Content-Type": type } };
    assert.equal((await ask(places.loopback, sent)).status, 415, type);
  }
  const called = { ...routes["/publish"](), path: "/publish?callback=alert&cb=alert&jsonp=alert" };
  assert.equal((await ask(places.loopback, called)).text, '{"Status":"SUCCESS"}');
});

// --- the WebSocket

class Client {
  constructor(place) {
    const { Host, Origin, ...rest } = headersOf(place);
    const options = { localAddress: place.from, headers: { Host, ...rest }, ...(Origin && { origin: Origin }) };
    this.heard = [];
    this.url = `ws://${Host}/`;
    this.socket = new WebSocket(`ws://${place.to}:${port}/`, options);
    this.socket.on("message", (data) => {
      this.heard.push(JSON.parse(data));
      this.woken?.();
    });
    this.opened = new Promise((resolve) => this.socket.on("open", resolve));
  }
  static async open(place) {
    const client = new Client(place);
    await client.opened;
    return client;
  }
  async next(check) {
    for (;;) {
      const found = this.heard.find(check);
      if (found) return found;
      await new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no answer; heard was ${JSON.stringify(this.heard)}`)), 20_000);
        this.woken = () => resolve(clearTimeout(late));
      });
    }
  }
  async challenge() {
    return (await this.next(([type]) => type === "AUTH"))[1];
  }
  // "" if it is taken, else the prefix of the reason.
  async send(message) {
    this.heard = this.heard.filter(([type]) => type === "AUTH");
    const [, id] = message;
    this.socket.send(JSON.stringify(message));
    const about = typeof id === "string" ? id : id.id;
    const answers = ([kind, subject]) => kind !== "AUTH" && kind !== "EVENT" && subject === about;
    const [heard, , taken, why] = await this.next(answers);
    if (heard === "OK") return taken ? "" : why.split(":")[0];
    return heard === "CLOSED" || heard === "NEG-ERR" ? taken.split(":")[0] : "";
  }
  close() {
    this.socket.close();
  }
}
const auth = (client, challenge, { by = alice, kind = 22242, age = 0, relay = client.url } = {}) =>
  by.sign(kind, "", [["relay", relay], ["challenge", challenge]], now() - age);

const socketProofs = {
  "none": () => undefined,
  "a forged one": (client, challenge) => ({ ...auth(client, challenge), sig: "0".repeat(128) }),
  "an event of another kind": (client, challenge) => auth(client, challenge, { kind: 27235 }),
  "an invented challenge": (client) => auth(client, "7".repeat(32)),
  "another connection's challenge": async (client) => {
    const other = await Client.open(places.elsewhere);
    const event = auth(client, await other.challenge());
    other.close();
    return event;
  },
  "a stale one": (client, challenge) => auth(client, challenge, { age: 660 }),
  "one of the future": (client, challenge) => auth(client, challenge, { age: -660 }),
  "for another server": (client, challenge) => auth(client, challenge, { relay: "ws://other.example/" }),
  "for another port": (client, challenge) => auth(client, challenge, { relay: client.url.replace(port, port + 1) }),
  "without a server": (client, challenge) => alice.sign(22242, "", [["challenge", challenge]]),
  "without a challenge": (client) => alice.sign(22242, "", [["relay", client.url]]),
  "two challenges": (client, challenge) =>
    alice.sign(22242, "", [["relay", client.url], ["challenge", "x"], ["challenge", challenge]]),
  "replayed": async (client, challenge) => {
    const event = auth(client, challenge, { by: mallory });
    assert.equal(await client.send(["AUTH", event]), "");
    return event;
  },
  "of another connection": async (client) => {
    const other = await Client.open(places.elsewhere);
    const event = auth(other, await other.challenge());
    assert.equal(await other.send(["AUTH", event]), "");
    other.close();
    return event;
  },
  "another's key": (client, challenge) => auth(client, challenge, { by: mallory }),
  "right": (client, challenge) => alice.finish(nip42.makeAuthEvent(client.url, challenge)),
};
const messages = {
  REQ: () => ["REQ", "r", { limit: 1 }],
  COUNT: () => ["COUNT", "c", {}],
  "NEG-OPEN": () => ["NEG-OPEN", "n", { limit: 1 }, "61"],
  EVENT: () => ["EVENT", alice.sign(1, `post ${++made}`)],
  "EVENT [-]": () => ["EVENT", alice.sign(1, `post ${++made}`, [["-"]])],
  "another's": () => ["EVENT", mallory.sign(1, `spam ${++made}`)],
  delivery: () => ["EVENT", mallory.sign(1, `hello ${++made}`, [["p", alice.key]])],
};
// What is answered to the proof and then to each message: "" is yes.
const overSocket = {
  remote: rows(`
proof                          | AUTH       | REQ           | COUNT         | NEG-OPEN      | EVENT | EVENT [-]     | another's  | delivery
none                           |            | auth-required | auth-required | auth-required |       | auth-required | restricted |
a forged one                   | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
an event of another kind       | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
an invented challenge          | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
another connection's challenge | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
a stale one                    | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
one of the future              | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
for another server             | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
for another port               | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
without a server               | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
without a challenge            | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
two challenges                 | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
replayed                       | restricted | restricted    | restricted    | restricted    |       | restricted    | restricted |
of another connection          | invalid    | auth-required | auth-required | auth-required |       | auth-required | restricted |
another's key                  |            | restricted    | restricted    | restricted    |       | restricted    | restricted |
right                          |            |               |               |               |       |               | restricted |`),
  trusted: rows(`
proof                          | AUTH       | REQ           | COUNT         | NEG-OPEN      | EVENT | EVENT [-]     | another's  | delivery
none                           |            |               |               |               |       | auth-required | restricted |
a forged one                   | invalid    |               |               |               |       | auth-required | restricted |
a stale one                    | invalid    |               |               |               |       | auth-required | restricted |
for another server             | invalid    |               |               |               |       | auth-required | restricted |
another's key                  |            |               |               |               |       | restricted    | restricted |
right                          |            |               |               |               |       |               | restricted |`),
};

for (const [kind, names] of Object.entries({ remote, trusted })) {
  for (const name of names) {
    test(`WebSocket, ${name}: every message after every proof`, async () => {
      const found = [];
      for (const { proof: title } of overSocket[kind]) {
        const client = await Client.open(places[name]);
        // A trusted one is asked who it is when it matters: for a protected event.
        if (kind === "trusted") assert.equal(await client.send(messages["EVENT [-]"]()), "auth-required");
        const event = await socketProofs[title](client, await client.challenge());
        const row = { proof: title, AUTH: event ? await client.send(["AUTH", event]) : "" };
        for (const [message, make] of Object.entries(messages)) row[message] = await client.send(make());
        found.push(row);
        client.close();
      }
      assert.deepEqual(found, overSocket[kind]);
    });
  }
}
