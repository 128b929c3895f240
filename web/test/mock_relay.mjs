// A small relay for the browser tests: NIP-01 with AUTH and search where wanted, a page of /status, and the built
// client as files. Everything in memory; what tests change lies open.
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { verifyEvent } from "nostr-tools/pure";
import { WebSocketServer } from "ws";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "build", "web");
const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

export const matches = (filter, event) => {
  if (filter.ids && !filter.ids.includes(event.id)) return false;
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false;
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  if (filter.until !== undefined && event.created_at > filter.until) return false;
  if (filter.search !== undefined && !event.content.toLowerCase().includes(filter.search.toLowerCase())) return false;
  return Object.entries(filter).every(
    ([key, values]) => key[0] !== "#" || event.tags.some((tag) => tag[0] === key.slice(1) && values.includes(tag[1])),
  );
};

export class MockRelay {
  events = [];
  received = []; // what clients published
  requests = []; // REQ messages
  refusal = undefined; // of an event: a reason, or undefined to take it
  challenge = undefined; // a text: reading needs AUTH
  status = null; // null: /status is refused
  nonce = undefined; // a text: /status needs NIP-98
  info = { name: "mock", supported_nips: [1, 11, 50] };
  headers = {};
  #clients = new Map(); // socket -> { subs, authenticated }

  static async start(port = 0) {
    const relay = new MockRelay();
    relay.#http = createServer((request, response) => relay.#answer(request, response));
    relay.#sockets = new WebSocketServer({ server: relay.#http });
    relay.#sockets.on("connection", (socket) => relay.#welcome(socket));
    await new Promise((resolve) => relay.#http.listen(port, "127.0.0.1", resolve));
    relay.port = relay.#http.address().port;
    relay.url = `http://127.0.0.1:${relay.port}`;
    return relay;
  }
  #http;
  #sockets;

  // Ends all connections, and takes no more until it is started again on the same port.
  async stop() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
  async resume() {
    await new Promise((resolve) => this.#http.listen(this.port, "127.0.0.1", resolve));
  }

  store(...events) {
    for (const event of events) this.#take(event);
  }

  #answer(request, response) {
    const path = new URL(request.url, this.url).pathname;
    if (path === "/" && request.headers.accept === "application/nostr+json") {
      response.writeHead(200, { "Content-Type": "application/nostr+json" }).end(JSON.stringify(this.info));
    } else if (path === "/status" && this.nonce && !this.#proves(request)) {
      response.writeHead(401, { "WWW-Authenticate": `Nostr nonce="${this.nonce}"` }).end("{}");
    } else if (path === "/status") {
      response.writeHead(this.status ? 200 : 403, { "Content-Type": "application/json" }).end(JSON.stringify(this.status));
    } else {
      const file = join(root, path === "/" ? "index.html" : path);
      if (!file.startsWith(root) || !existsSync(file)) return void response.writeHead(404).end();
      response.writeHead(200, { "Content-Type": types[file.split(".").pop()], ...this.headers }).end(readFileSync(file));
    }
  }

  #proves({ url, headers }) {
    const [, code] = /^Nostr (.+)$/.exec(headers.authorization ?? "") ?? [];
    const event = code && JSON.parse(Buffer.from(code, "base64").toString());
    const tag = (name) => event.tags.find(([key]) => key === name)?.[1];
    return Boolean(event) && verifyEvent(event) && event.kind === 27235 && tag("u") === `${this.url}/status?nonce=${this.nonce}` && url.endsWith(this.nonce) && tag("method") === "GET";
  }

  #welcome(socket) {
    const client = { subs: new Map(), authenticated: false };
    this.#clients.set(socket, client);
    const send = (message) => socket.send(JSON.stringify(message));
    socket.on("close", () => this.#clients.delete(socket));
    if (this.challenge) send(["AUTH", this.challenge]);
    socket.on("message", (data) => {
      const [type, first, ...rest] = JSON.parse(data.toString());
      if (type === "REQ") {
        this.requests.push([first, ...rest]);
        if (this.challenge && !client.authenticated) return send(["CLOSED", first, "auth-required: say who you are"]);
        client.subs.set(first, rest);
        const found = new Map();
        for (const filter of rest) {
          const sorted = this.events.filter((event) => matches(filter, event)).sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
          for (const event of sorted.slice(0, filter.limit ?? 500)) found.set(event.id, event);
        }
        for (const event of found.values()) send(["EVENT", first, event]);
        send(["EOSE", first]);
      } else if (type === "CLOSE") {
        client.subs.delete(first);
      } else if (type === "AUTH") {
        const good = verifyEvent(first) && first.kind === 22242 && first.tags.some((tag) => tag[0] === "challenge" && tag[1] === this.challenge);
        client.authenticated = good;
        send(["OK", first.id, good, good ? "" : "restricted: not you"]);
      } else if (type === "EVENT") {
        this.received.push(first);
        const reason = verifyEvent(first) ? this.refusal?.(first) : "invalid: the signature does not fit";
        if (!reason) this.#take(first);
        send(["OK", first.id, !reason, reason ?? ""]);
      }
    });
  }

  #take(event) {
    if (this.events.some(({ id }) => id === event.id)) return;
    const replaceable = event.kind === 0 || event.kind === 3 || (event.kind >= 10000 && event.kind < 20000);
    if (replaceable) {
      const before = this.events.find(({ kind, pubkey }) => kind === event.kind && pubkey === event.pubkey);
      if (before && before.created_at > event.created_at) return;
      this.events = this.events.filter((other) => other !== before);
    }
    if (event.kind === 5) {
      const ids = event.tags.filter((tag) => tag[0] === "e").map((tag) => tag[1]);
      this.events = this.events.filter((other) => !ids.includes(other.id) || other.pubkey !== event.pubkey);
    }
    this.events.push(event);
    for (const [socket, { subs }] of this.#clients) {
      for (const [id, filters] of subs) {
        if (filters.some((filter) => matches(filter, event))) socket.send(JSON.stringify(["EVENT", id, event]));
      }
    }
  }
}
