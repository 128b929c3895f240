// What somebody from elsewhere may cost, and that it is his alone: connections, requests and forged events by address; who
// it is that a proxy speaks for; what the log says of whom; and an open relay, which everybody may read who has a key.
import { elsewhere, elsewhere6, here, here6, vpn } from "./namespace.mjs";
import "./globals.mjs";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { nip42 } from "nostr-tools";
import WebSocket from "ws";
import { Person, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, mallory] = [new Person(), new Person()];
const loopback = "127.0.0.1";
const [customer, customerToo, other] = elsewhere6;
const bracketed = (address) => (address.includes(":") ? `[${address}]` : address);
const toward = (from) => (from === loopback ? loopback : from.includes(":") ? here6 : here);

// A server on all addresses with these [limits], while `use` runs.
async function withServer({ limits = {}, args = [] }, use) {
  const given = (made) => {
    const config = join(made.directory, "config.toml");
    writeFileSync(config, ["[limits]", ...Object.entries(limits).map(([key, value]) => `${key} = ${value}`)].join("\n"));
    return ["--api-listen", `[::]:${made.port + 1}`, "--api-insecure", "--config", config, ...args];
  };
  const server = await Server.start(alice.key, { args: given });
  try {
    await use(server);
  } finally {
    assert.equal(await server.stop(), 0);
  }
}
const hostOf = (server, from) => `${bracketed(toward(from))}:${server.port + 1}`;

function ask(server, from, { method = "GET", path = "/", body = "", headers = {}, agent = false } = {}) {
  const json = body ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const options = { host: toward(from), port: server.port + 1, localAddress: from, method, path, agent };
    const request = http.request({ ...options, headers: { Host: hostOf(server, from), ...json, ...headers } }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}
const read = { method: "POST", path: "/req", body: '{"kinds":[1],"limit":1}' };
const publish = (event) => ({ method: "POST", path: "/publish", body: JSON.stringify(event) });
const delivery = (content) => mallory.sign(1, content, [["p", alice.key]]);
const forged = (content) => ({ ...delivery(content), sig: "0".repeat(128) });
const metric = async (server, name) => {
  const { text } = await ask(server, loopback, { path: "/metrics" });
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
};
const refused = (what) => `np2p_rejected_total{what="${what}"}`;

// A connection that sends this and goes on; what it hears, and whether it has ended.
async function connection(server, from, bytes = "") {
  const socket = net.connect({ host: toward(from), port: server.port + 1, localAddress: from });
  const made = { socket, heard: "", ended: false };
  socket.on("data", (data) => (made.heard += data));
  socket.on("error", () => {});
  socket.on("close", () => (made.ended = true));
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(bytes);
  return made;
}
const whole = (server, from) => `GET /elsewhere HTTP/1.1\r\nHost: ${hostOf(server, from)}\r\n\r\n`;
const half = "POST /publish HTTP/1.1\r\nHost: h";
const answered = (made, status) => until(`${status}, not ${made.heard}`, () => made.heard.startsWith(`HTTP/1.1 ${status} `));

// The status of the answer to the upgrade; an open one is for the caller to close.
function upgrade(server, from, headers = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${bracketed(toward(from))}:${server.port + 1}/`, { localAddress: from, headers });
    const heard = [];
    socket.on("message", (data) => heard.push(JSON.parse(data)));
    socket.on("open", () => resolve({ status: 101, socket, heard }));
    socket.on("unexpected-response", (_, answer) => resolve({ status: answer.statusCode, gone: answer.destroy() }));
    socket.on("error", reject);
  });
}

for (const [who, first, second] of [["an address", elsewhere, elsewhere], ["a network of IPv6", customer, customerToo]]) {
  test(`of ${who} that has all its connections the longest idle one makes room`, () =>
    withServer({ limits: { "connections-per-address": 3 } }, async (server) => {
      const idle = [];
      for (let i = 0; i < 3; ++i) {
        idle.push(await connection(server, first, whole(server, first)));
        await answered(idle[i], 404);
      }
      const fourth = await connection(server, second, whole(server, second));
      await answered(fourth, 404);
      await until("the first has gone", () => idle[0].ended);
      assert.deepEqual(idle.map(({ ended }) => ended), [true, false, false]);
      assert.equal(await metric(server, "np2p_http_evicted_total"), 1);
      assert.equal(await metric(server, "np2p_http_refused_total"), 0);
      for (const { socket } of [...idle, fourth]) socket.destroy();
    }));

  test(`of ${who} that has all its connections, and none idle, a further one is told so`, () =>
    withServer({ limits: { "connections-per-address": 3 } }, async (server) => {
      const busy = [];
      for (let i = 0; i < 3; ++i) busy.push(await connection(server, first, half));
      await until("they are there", async () => (await metric(server, "np2p_http_open")) >= 4);
      const fourth = await connection(server, second, whole(server, second));
      await answered(fourth, 429);
      assert.match(fourth.heard, /\{"Error":"too many connections from this address"\}$/);
      await until("it has ended", () => fourth.ended);
      assert.equal(await metric(server, "np2p_http_refused_total"), 1);
      assert.equal(await metric(server, refused("request rate_limited")), 1);
      assert.equal((await ask(server, first === customer ? other : vpn)).status, 200, "others have theirs");
      assert.equal((await upgrade(server, second)).status, 429, "nor does a WebSocket come in");
      for (const { socket } of busy) socket.destroy();
    }));
}

test("WebSockets and idle connections of one address do not count for each other", () =>
  withServer({ limits: { "connections-per-address": 2, "websockets-per-address": 2 } }, async (server) => {
    const open = [];
    for (let tab = 0; tab < 2; ++tab) open.push(await upgrade(server, elsewhere));
    assert.deepEqual(open.map(({ status }) => status), [101, 101]);
    const idle = [];
    for (let i = 0; i < 2; ++i) {
      idle.push(await connection(server, elsewhere, whole(server, elsewhere)));
      await answered(idle[i], 404);
    }
    assert.equal((await upgrade(server, elsewhere)).status, 429);
    assert.equal(await metric(server, "np2p_web_sockets_refused_total"), 1);
    const another = await upgrade(server, vpn);
    assert.equal(another.status, 101);
    assert.deepEqual(open.map(({ socket }) => socket.readyState), [WebSocket.OPEN, WebSocket.OPEN]);
    for (const { socket } of [...open, another, ...idle]) (socket.terminate ?? socket.destroy).call(socket);
  }));

test("whoever is not trusted asks so much and no more", () =>
  withServer({ limits: { "requests-burst": 3, "requests-per-second": 1 }, args: ["--trust", vpn] }, async (server) => {
    const path = "/elsewhere";
    const statuses = [];
    for (let i = 0; i < 3; ++i) statuses.push((await ask(server, customer, { path })).status);
    assert.deepEqual(statuses, [404, 404, 404]);
    const more = [];
    for (let i = 0; i < 4; ++i) more.push(await ask(server, customerToo, { path }));
    const no = more.find(({ status }) => status === 429);
    assert.deepEqual(JSON.parse(no.text), { Error: "too many requests from this address; slow down" });
    assert.equal(no.headers["retry-after"], "1");
    assert.ok((await metric(server, refused("request rate_limited"))) >= 1);
    assert.equal((await ask(server, elsewhere, { path })).status, 404, "others may");
    for (const from of [vpn, loopback]) {
      for (let i = 0; i < 8; ++i) assert.equal((await ask(server, from, { path })).status, 404, from);
    }
  }));

test("who brings forged events is not verified any more, and takes nothing from others", () =>
  withServer({ limits: { "deliveries-burst": 1000, "all-deliveries-burst": 5, "requests-burst": 1000 } }, async (server) => {
    const answers = []; // one more is looked at for each second that this takes
    while (answers.at(-1)?.status !== 429 && answers.length < 400) answers.push(await ask(server, elsewhere, publish(forged("forged"))));
    const no = answers.pop();
    assert.deepEqual([no.status, JSON.parse(no.text)], [429, { Error: "too many forged events from this address; try again later" }]);
    assert.ok(answers.length >= 101 && answers.every(({ status }) => status === 400), `${answers.length}`);
    assert.equal(await metric(server, refused("publish bad_signature")), answers.length);
    assert.equal(await metric(server, refused("publish rate_limited")), 1);
    for (let i = 0; i < 5; ++i) assert.equal((await ask(server, vpn, publish(delivery(`true ${i}`)))).status, 200);
    assert.equal((await ask(server, loopback, publish(alice.sign(1, "mine")))).status, 200);
  }));

// --- who it is that a proxy speaks for

test("a trusted proxy says who asks, and nobody else does", () =>
  withServer({ args: ["--trusted-proxies", loopback, "--trusted-proxies", `${vpn}/32`, "--trust", "203.0.113.0/24"] }, async (server) => {
    const cases = [
      [loopback, {}, 200, "the owner's own program beside the proxy"],
      [loopback, { "X-Forwarded-For": "203.0.113.5" }, 200, "from a trusted network"],
      [loopback, { "X-Forwarded-For": "203.0.113.5:4711" }, 200, "with a port"],
      [loopback, { "X-Forwarded-For": elsewhere }, 401, "from elsewhere"],
      [loopback, { "X-Forwarded-For": loopback }, 401, "never as loopback"],
      [loopback, { "X-Forwarded-For": `203.0.113.5, ${elsewhere}` }, 401, "what the client wrote itself"],
      [loopback, { "X-Forwarded-For": `rubbish", ${elsewhere}` }, 400, "an open quote"],
      [loopback, { "X-Forwarded-For": `rubbish, ${elsewhere}` }, 401, "what nobody looks at may be anything"],
      [loopback, { "X-Forwarded-For": `203.0.113.5, ${vpn}` }, 200, "through two trusted ones"],
      [vpn, { "X-Forwarded-For": `203.0.113.5` }, 200, "through another"],
      [vpn, { Forwarded: 'for="[2001:db8::9]:4711";proto=https, For=203.0.113.5;by=_x' }, 200, "RFC 7239"],
      [vpn, { Forwarded: 'for=203.0.113.5, for="[2001:db8::9]"' }, 401, "RFC 7239, from elsewhere"],
      [loopback, { "X-Real-IP": "203.0.113.5" }, 401, "a header that is not taken"],
      [elsewhere, { "X-Forwarded-For": "203.0.113.5" }, 401, "a proxy that nobody trusts"],
      [elsewhere, { "X-Forwarded-For": "rubbish" }, 401, "nor is it read"],
    ];
    for (const [from, headers, status, title] of cases) {
      assert.equal((await ask(server, from, { ...read, headers })).status, status, title);
    }
    assert.equal((await ask(server, loopback, { path: "/metrics", headers: { "X-Forwarded-For": loopback } })).status, 403);
    const before = await metric(server, refused("request malformed"));
    for (const [headers, why] of [
      [{ "X-Forwarded-For": "unknown" }, "X-Forwarded-For does not say by an address where the request came from"],
      [{ "X-Forwarded-For": `${elsewhere},` }, "X-Forwarded-For does not say by an address where the request came from"],
      [{ Forwarded: "for=_hidden" }, "Forwarded does not say by an address where the request came from"],
      [{ Forwarded: `by=${elsewhere}` }, "Forwarded does not say by an address where the request came from"],
      [{ Forwarded: `for="${elsewhere}` }, "Forwarded has a quote that is not closed"],
      [{ Forwarded: "for=203.0.113.5", "X-Forwarded-For": elsewhere }, "X-Forwarded-For and Forwarded name different clients"],
    ]) {
      const answer = await ask(server, loopback, { ...read, headers });
      assert.deepEqual([answer.status, JSON.parse(answer.text)], [400, { Error: why }]);
    }
    assert.equal(await metric(server, refused("request malformed")), before + 6);
  }));

test("limits are those of the clients behind a trusted proxy", () =>
  withServer({ limits: { "requests-burst": 4, "requests-per-second": 1, "websockets-per-address": 1 }, args: ["--trusted-proxies", loopback] }, async (server) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const via = (client) => ({ path: "/elsewhere", agent, headers: { "X-Forwarded-For": client } });
    const statuses = [];
    for (let i = 0; i < 8; ++i) statuses.push((await ask(server, loopback, via("198.51.100.1"))).status);
    assert.ok(statuses.includes(429), `${statuses}`);
    assert.equal((await ask(server, loopback, via("198.51.100.2"))).status, 404);
    agent.destroy();
    const headers = (client) => ({ "X-Forwarded-For": client });
    const open = [await upgrade(server, loopback, headers("198.51.100.3")), await upgrade(server, loopback, headers("198.51.100.4"))];
    assert.deepEqual(open.map(({ status }) => status), [101, 101]);
    assert.equal((await upgrade(server, loopback, headers("198.51.100.3"))).status, 429);
    await until("both are asked who they are", () => open.every(({ heard }) => heard[0]?.[0] === "AUTH"));
    assert.equal((await upgrade(server, loopback, headers("nobody"))).status, 400);
    for (const { socket } of open) socket.terminate();
  }));

test("a page of another port of this machine is foreign, and its server's own is not", () =>
  withServer({ args: ["--allow-origin", "http://localhost:5173"] }, async (server) => {
    const own = `http://127.0.0.1:${server.port + 1}`;
    for (const [Origin, status] of [
      [own, 200], ["http://localhost:5173", 200],
      ["http://localhost:5174", 401], [`http://127.0.0.1:${server.port}`, 401], ["http://localhost", 401],
    ]) {
      const answer = await ask(server, loopback, { ...read, headers: { Origin } });
      assert.deepEqual([answer.status, answer.headers["access-control-allow-origin"]], [status, status === 200 ? Origin : undefined], Origin);
      const { status: upgraded, socket, heard } = await upgrade(server, loopback, { Origin });
      assert.equal(upgraded, 101);
      socket.send('["REQ","r",{"limit":1}]');
      await until("an answer", () => heard.find(([type]) => type === "EOSE" || type === "CLOSED"));
      assert.equal(heard.some(([type]) => type === "EOSE"), status === 200, Origin);
      socket.terminate();
    }
  }));

// --- the log

for (const [format, args] of [["text", []], ["json", ["--log-format", "json"]]]) {
  test(`the log says who was refused, and nobody hides behind another (${format})`, () =>
    withServer({ args }, async (server) => {
      for (let i = 0; i < 5; ++i) await ask(server, elsewhere, publish(forged(`${i}`)));
      await ask(server, customer, publish(forged("another's")));
      await ask(server, customerToo, publish(forged("of the same network")));
      const { socket } = await upgrade(server, vpn);
      socket.send(JSON.stringify(["EVENT", forged("by socket")]));
      const lines = () => server.output.split("\n").filter((line) => line.includes("refused publish"));
      await until("three lines", () => lines().length >= 3);
      socket.terminate();
      await ask(server, loopback);
      assert.equal(lines().length, 3, "one for each in a minute");
      for (const [i, peer] of [elsewhere, customer, vpn].entries()) {
        const message = `refused publish of ${peer}: the signature is not the author's (bad_signature)`;
        if (format === "text") {
          assert.match(lines()[i], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info /);
          assert.ok(lines()[i].endsWith(message), lines()[i]);
          continue;
        }
        const { time, ...rest } = JSON.parse(lines()[i]);
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
        assert.deepEqual(rest, {
          level: "info", message, event: "refused",
          what: "publish", peer, reason: "the signature is not the author's", code: "bad_signature" });
      }
      if (format === "json") {
        const logged = server.output.split("\n").filter((line) => line.startsWith("{"));
        for (const line of logged) assert.ok(JSON.parse(line).message.length > 0);
        assert.ok(logged.length > 3, "all of the log is so");
      }
    }));
}

// --- an open relay

test("an open relay is read from elsewhere by whoever has proven a key, and its state is not", () =>
  withServer({ args: ["--writers", "*"] }, async (server) => {
    const note = mallory.sign(1, "on an open relay");
    assert.equal((await ask(server, elsewhere, publish(note))).status, 200);
    const { socket, heard } = await upgrade(server, elsewhere);
    const url = `ws://${hostOf(server, elsewhere)}/`;
    const say = async (message, ...ends) => {
      socket.send(JSON.stringify(message));
      return until(`${ends}`, () => heard.find(([type, about]) => ends.includes(type) && (about === message[1] || about === message[1].id)));
    };
    assert.match((await say(["REQ", "before", { kinds: [1] }], "EOSE", "CLOSED"))[2], /^auth-required: /);
    const [, challenge] = heard.find(([type]) => type === "AUTH");
    assert.deepEqual((await say(["AUTH", mallory.finish(nip42.makeAuthEvent(url, challenge))], "OK")).slice(2), [true, ""]);
    await say(["REQ", "after", { kinds: [1] }], "EOSE");
    assert.deepEqual(heard.filter(([type, about]) => type === "EVENT" && about === "after").map(([, , event]) => event), [note]);
    socket.terminate();
    const proven = async (request) => {
      const [, nonce] = /nonce="([0-9a-f]{32})"/.exec((await ask(server, elsewhere, read)).headers["www-authenticate"]);
      const path = `${request.path}?nonce=${nonce}`;
      const tags = [["u", `http://${hostOf(server, elsewhere)}${path}`], ["method", request.method]];
      if (request.body) tags.push(["payload", createHash("sha256").update(request.body).digest("hex")]);
      const Authorization = `Nostr ${Buffer.from(JSON.stringify(mallory.sign(27235, "", tags, now()))).toString("base64")}`;
      return (await ask(server, elsewhere, { ...request, path, headers: { Authorization } })).status;
    };
    assert.equal((await ask(server, elsewhere, read)).status, 401);
    assert.equal(await proven(read), 200);
    assert.equal(await proven({ method: "GET", path: "/status" }), 403);
    assert.equal(await proven({ method: "GET", path: "/healthz" }), 403);
  }));
