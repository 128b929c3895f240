// Slow clients and floods against a real server, and what an honest client notices of them. Used by slow.test.mjs in short
// form; `./dev bench slow` runs this file as a program, which prints figures.
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { pathToFileURL, fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { getEventHash } from "nostr-tools";
import WebSocket from "ws";
import { Person } from "./people.mjs";
import { Server, until } from "./server.mjs";

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const hex = (size) => [...Array(size)].map(() => Math.floor(Math.random() * 16).toString(16)).join("");

// ------------------------------------------------------------------------------------------------------ the honest client
// In a thread of its own, so that what it measures is the server and not this program. Publishes and asks, by socket and by
// REST, and tells how long each took.
async function beHonest({ url, events, every }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const rest = (path, body) =>
    new Promise((resolve, reject) => {
      const headers = { "Content-Type": "application/json" };
      const request = http.request(url + path, { method: "POST", agent, headers }, (answer) => {
        answer.resume();
        answer.on("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`REST ${answer.statusCode}`))));
      });
      request.on("error", reject);
      request.end(JSON.stringify(body));
    });
  const socket = await opened(url);
  const waiting = new Map();
  socket.on("message", (data) => {
    const [type, id, ok] = JSON.parse(data.toString());
    const done = type === "OK" || type === "EOSE" || type === "CLOSED" ? waiting.get(id) : undefined;
    if (done) done(type === "EOSE" || ok === true ? undefined : new Error(data.toString()));
  });
  const say = (message, id) =>
    new Promise((resolve, reject) => {
      waiting.set(id, (failure) => (waiting.delete(id), failure ? reject(failure) : resolve()));
      socket.send(JSON.stringify(message));
    });
  const author = events[0].pubkey;
  const feed = { kinds: [1], authors: [author], limit: 20 };
  let going = true;
  const times = [];
  const failures = [];
  parentPort.on("message", (word) => (word === "begin" ? (times.length = 0) : (going = false)));
  for (let i = 0; going && i + 1 < events.length; ++i) {
    for (const act of [
      () => say(["EVENT", events[i]], events[i].id),
      () => say(["REQ", "feed", feed], "feed"),
      () => rest("/publish", events[++i]),
      () => rest("/req", feed),
    ]) {
      const begin = performance.now();
      // A keep-alive connection that the server closed is opened anew, as browsers do; the time for it counts.
      await act().catch(async (failure) => {
        if (failure.code === "ECONNRESET" || failure.message.includes("hang up")) return act();
        throw failure;
      }).catch((failure) => failures.push(String(failure.message)));
      times.push(performance.now() - begin);
      await sleep(every);
    }
  }
  socket.terminate();
  agent.destroy();
  parentPort.postMessage({ times, failures });
  parentPort.close();
}

// Who comes while hundreds of others do may have to knock again.
async function opened(url) {
  for (let tries = 0; ; ++tries) {
    const socket = new WebSocket(url.replace("http", "ws"));
    const failure = await new Promise((resolve) => socket.once("open", () => resolve()).once("error", resolve));
    if (!failure) return socket;
    if (tries === 20) throw failure;
    await sleep(50);
  }
}

class Honest {
  constructor(server, events, every = 10) {
    this.worker = new Worker(fileURLToPath(import.meta.url), { workerData: { role: "honest", url: server.url, events, every } });
    this.result = new Promise((resolve, reject) => this.worker.once("message", resolve).once("error", reject));
  }
  // Only what is measured from now on counts.
  begin() {
    this.worker.postMessage("begin");
  }
  async end() {
    this.worker.postMessage("enough");
    const { times, failures } = await this.result;
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
    return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1), failures };
  }
}

// ----------------------------------------------------------------------------------------------------------- slow clients
const upgrade = (port) =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;

// A text message of a client, masked with zeros.
export function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? [0x81, 0x80 | body.length] : [0x81, 0xfe, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
}

const kinds = {
  header: { first: "POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", trickle: "x" },
  body: {
    first: "POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n{",
    trickle: " ",
  },
  silent: { first: "" },
  // Asks for everything, again and again, and takes nothing.
  deaf: { first: (port) => Buffer.concat([Buffer.from(upgrade(port)), ...[...Array(20).keys()].map((i) => frame(JSON.stringify(["REQ", `all${i}`, {}])))]), deaf: true },
};

// `count` clients, a quarter of each kind. What they were told at the end is in `told`, by kind: a status, or "closed".
export class SlowClients {
  told = { header: {}, body: {}, silent: {}, deaf: {} };
  sockets = new Set();
  going = true;

  constructor(server, count, { again = false } = {}) {
    this.port = Number(new URL(server.url).port);
    this.again = again;
    // Some at a time: of a single burst most would have to make room before they said anything.
    for (let i = 0; i < count; ++i) setTimeout(() => this.going && this.start(Object.keys(kinds)[i % 4]), 50 * Math.floor(i / 20));
    this.timer = setInterval(() => {
      for (const socket of this.sockets) if (socket.trickle && socket.writable) socket.write(socket.trickle);
    }, 200);
  }
  get open() {
    return this.sockets.size;
  }
  start(kind) {
    const { first, trickle, deaf } = kinds[kind];
    const socket = net.connect(this.port, "127.0.0.1");
    let heard = "";
    this.sockets.add(socket);
    socket.on("connect", () => {
      socket.trickle = trickle;
      const bytes = typeof first === "function" ? first(this.port) : first;
      if (bytes.length > 0) socket.write(bytes);
    });
    if (deaf) socket.pause();
    else socket.on("data", (data) => (heard += data));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.sockets.delete(socket);
      if (!this.going) return;
      const status = heard.match(/^HTTP\/1.1 (\d+)/)?.[1] ?? "closed";
      this.told[kind][status] = (this.told[kind][status] ?? 0) + 1;
      if (this.again) setTimeout(() => this.going && this.start(kind), 100);
    });
  }
  end() {
    this.going = false;
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }
}

// ----------------------------------------------------------------------------------------------------------------- floods
const ids = (count) => [...Array(count)].map(() => hex(64));
const forged = () => {
  const event = { pubkey: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", created_at: 1700000000, kind: 1, tags: [["p", hex(64)]], content: hex(16) };
  return { ...event, id: getEventHash(event), sig: hex(128) };
};
// What a flooding connection says, again and again. `owner` is named, so that signatures are looked at.
const floods = {
  heavy: (i, owner) => {
    const authors = ids(30);
    const filters = [...Array(30).keys()].map((n) => ({ authors: [...authors, owner], kinds: [1, 6, 7, n], "#p": ids(10), limit: 500 }));
    return ["REQ", `heavy${i % 3}`, ...filters, { search: "x y z" }, { limit: 500 }];
  },
  count: (i, owner) => ["COUNT", "c", ...[...Array(20).keys()].map((n) => ({ authors: [owner], "#t": ids(20), until: 2000000000 - n }))],
  forged: (i, owner) => {
    const event = { ...forged(), pubkey: owner };
    return ["EVENT", { ...event, id: getEventHash(event) }];
  },
  subscriptions: (i) => ["REQ", `sub${i}`, { kinds: [1], limit: 1 }],
};

// Says as much as the server takes, over `connections` from the address `from`; each has at most `ahead` messages
// unanswered. In a thread.
async function flood({ url, kind, connections, ahead, owner, from }) {
  const messages = [...Array(100).keys()].map((i) => JSON.stringify(floods[kind](i, owner)));
  let going = true;
  let said = 0;
  const closed = {};
  parentPort.once("message", () => (going = false));
  const sockets = new Set();
  const start = () => {
    const socket = new WebSocket(url.replace("http", "ws"), { localAddress: from });
    let unanswered = 0;
    const more = () => {
      while (going && unanswered < ahead) {
        ++unanswered;
        socket.send(messages[said++ % messages.length]);
      }
    };
    sockets.add(socket);
    socket.on("open", more);
    socket.on("message", (data) => {
      if (data[2] === 0x45 && data[3] === 0x56) return; // ["EVENT": the answer goes on
      --unanswered;
      more();
    });
    socket.on("error", () => {});
    socket.on("close", (code) => {
      sockets.delete(socket);
      if (!going) return;
      closed[code] = (closed[code] ?? 0) + 1;
      setTimeout(() => going && start(), 50);
    });
  };
  for (let i = 0; i < connections; ++i) start();
  while (going) await sleep(50);
  for (const socket of sockets) socket.terminate();
  parentPort.postMessage({ said, closed });
}

export class Flood {
  constructor(server, kind, { connections = 8, ahead = 50, owner, from } = {}) {
    const data = { role: "flood", url: server.url, kind, connections, ahead, owner, from };
    this.worker = new Worker(fileURLToPath(import.meta.url), { workerData: data });
    this.result = new Promise((resolve, reject) => this.worker.once("message", resolve).once("error", reject));
  }
  end() {
    this.worker.postMessage("enough");
    return this.result;
  }
}

// ------------------------------------------------------------------------------------------------------------- the server
export const residentMb = (server) => Number(readFileSync(`/proc/${server.process.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;

export async function metrics(server) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const values = {};
  for (const [, name, value] of text.matchAll(/^(np2p_\S+(?:{.*})?) (\d+)$/gm)) values[name] = Number(value);
  return values;
}

// A server with `posts` of its owner, some kilobytes each, and events that the owner has not published yet.
export async function prepared({ posts = 300, bytes = 4000, more = 3000 } = {}) {
  const owner = new Person();
  const server = await Server.start(owner.key);
  server.owner = owner;
  const socket = new WebSocket(server.relay);
  let safe = 0;
  socket.on("message", () => ++safe);
  await new Promise((resolve) => socket.once("open", resolve));
  for (let i = 0; i < posts; ++i) socket.send(JSON.stringify(["EVENT", owner.sign(1, `${i} ${hex(bytes)}`)]));
  await until("the posts are safe", () => safe === posts);
  socket.close();
  server.fresh = [...Array(more).keys()].map((i) => owner.sign(1, `fresh ${i}`));
  return server;
}

// What the honest client measures while `attack` goes on for so long, and until there is enough of it; and the most memory
// that the server took.
export async function during(server, seconds, attack, enough = () => true) {
  const before = residentMb(server);
  const honest = new Honest(server, server.fresh);
  await sleep(3000); // it is an old acquaintance when the others come
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, residentMb(server))), 100);
  honest.begin();
  const running = attack?.();
  await sleep(1000 * seconds);
  await until("the attack shows", enough, 60000);
  const told = running && (await running.end());
  const figures = await honest.end();
  clearInterval(watch);
  return { ...figures, before, most, told, running };
}

async function program() {
  const seconds = Number(process.argv[2] ?? 20);
  const line = (name, { count, p50, p99, max, failures, before, most }, more) => {
    const times = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms of ${count}`;
    console.log(`slow: ${name}: honest client ${times}; resident ${before.toFixed(0)} to ${most.toFixed(0)} MB${more ? `; ${more}` : ""}`);
    if (failures.length > 0) console.log(`slow: ${name}: the honest client failed ${failures.length} times, such as: ${failures[0]}`);
  };
  const attacks = [
    ["nobody else", () => undefined],
    ["500 slow clients", (server) => () => new SlowClients(server, 500, { again: true })],
    ...Object.keys(floods).map((kind) => [`flood of ${kind}, 8 connections`, (server) => () => new Flood(server, kind, { owner: server.owner.key })]),
    ...["127.0.0.2", "127.0.0.1"].map((from) => [
      `flood of heavy, 64 connections from ${from === "127.0.0.1" ? "the honest client's" : "one other"} address`,
      (server) => () => new Flood(server, "heavy", { owner: server.owner.key, connections: 64, ahead: 5, from }),
    ]),
    ["300 connections that want to be WebSockets", (server) => () => new Flood(server, "subscriptions", { connections: 300, ahead: 1 })],
  ];
  const wanted = process.argv[3];
  for (const [name, attack] of attacks.filter(([title]) => !wanted || title.includes(wanted))) {
    const server = await prepared({ more: 60 * (seconds + 3) });
    const found = await during(server, seconds, attack(server));
    const told = found.running instanceof SlowClients ? found.running.told : found.told;
    line(name, found, told && `told ${JSON.stringify(told)}`);
    const counted = Object.entries(await metrics(server)).filter(([key, value]) => value > 0 && /timeouts|evicted|refused|rejected|silent/.test(key));
    if (told) console.log(`      ${counted.map(([key, value]) => `${key} ${value}`).join("  ")}`);
    await server.stop();
  }
}

if (!isMainThread && workerData?.role === "honest") await beHonest(workerData);
else if (!isMainThread && workerData?.role === "flood") await flood(workerData);
else if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await program();
