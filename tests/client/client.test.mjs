// What the original's clients do, done with the libraries of npm: events signed by nostr-tools, answers read by
// @msgpack/msgpack. Two servers, so that everything also crosses a link.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decode } from "@msgpack/msgpack";
import { finalizeEvent, generateSecretKey, getPublicKey, nip19, nip98 } from "nostr-tools";
import { Relay, useWebSocketImplementation } from "nostr-tools/relay";
import WebSocket from "ws";
import { Server, until } from "./server.mjs";

useWebSocketImplementation(WebSocket);

const now = () => Math.floor(Date.now() / 1000);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const anything = { kinds: [40000], since: 1, limit: 1000 };

class User {
  secret = generateSecretKey();
  key = getPublicKey(this.secret);

  sign(kind, content, tags = []) {
    return finalizeEvent({ kind, content, tags, created_at: now() }, this.secret);
  }

  async publish(kind, content, tags) {
    const event = this.sign(kind, content, tags);
    const answer = await post(this.server, "/publish", event);
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.deepEqual(await answer.json(), { Status: "SUCCESS" });
    return event;
  }

  // The events of a /req answer, with bytes turned back to text.
  async request(filter) {
    const answer = await post(this.server, "/req", filter);
    assert.equal(answer.status, 200, await answer.clone().text());
    return decode(new Uint8Array(await answer.arrayBuffer())).Evts.map((event) => ({
      id: hex(event.Id),
      pubkey: hex(event.Pubkey),
      created_at: event.Created_at,
      kind: event.Kind,
      tags: event.Tags.map((tag) => tag.map((value) => Buffer.from(value).toString())),
      content: event.Content,
      sig: event.Sig === null ? null : hex(event.Sig),
    }));
  }

  gets(event) {
    return until(`${event.content} arrives`, async () =>
      (await this.request(anything)).find((received) => received.id === event.id));
  }
}

const post = (server, path, body, headers = {}) =>
  fetch(server.url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

// fetch() always accepts gzip and unpacks it in silence; this one shows what really came.
const rawPost = (server, path, body, headers) =>
  new Promise((resolve, reject) => {
    const request = http.request(server.url + path, { method: "POST", headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    request.on("error", reject);
    request.end(JSON.stringify(body));
  });

const alice = new User();
const bob = new User();

before(async () => {
  alice.server = await Server.start(nip19.npubEncode(alice.key));
  bob.server = await Server.start(bob.key, { bootstrap: alice.server });
  await alice.publish(1, "is anybody there?");
  await until("the two servers are linked", async () => {
    await alice.publish(1, `hello at ${process.hrtime.bigint()}`);
    return (await bob.request(anything)).some((event) => event.pubkey === alice.key);
  });
});

after(async () => {
  const codes = [await alice.server?.stop(), await bob.server?.stop()];
  assert.deepEqual(codes, [0, 0], "a server that is asked to end ends in order");
});

test("a post reaches its own server and the other one, byte for byte", async () => {
  const event = await alice.publish(1, 'quote " backslash \\ newline \n tab \t umlaut ü emoji 🦆', [["t", "ducks"]]);
  const expected = { ...event };
  for (const symbol of Object.getOwnPropertySymbols(expected)) delete expected[symbol];
  for (const user of [alice, bob]) {
    assert.deepEqual(await user.gets(event), expected);
  }
});

test("the fields have the types that the original's clients expect", async () => {
  const event = await alice.publish(1, "types", [["t", "x"]]);
  await alice.gets(event);
  const answer = await post(alice.server, "/req", { kinds: [1], ids: [event.id], authors: [alice.key] });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const [received] = decode(bytes).Evts;
  assert.ok(received.Id instanceof Uint8Array && received.Id.length === 32);
  assert.ok(received.Tags[0][0] instanceof Uint8Array);
  assert.equal(typeof received.Content, "string");
  // float64 even though the number is whole
  const key = Buffer.from(bytes).indexOf("Created_at");
  assert.equal(bytes[key + "Created_at".length], 0xcb);
});

test("a post is found by its id and author", async () => {
  const event = await alice.publish(1, "find me");
  await bob.gets(event);
  const found = await bob.request({ kinds: [1], ids: [event.id], authors: [alice.key] });
  assert.deepEqual(found.map((item) => item.id), [event.id]);
});

test("reply, mention and reaction reach the person tagged", async () => {
  const note = await alice.publish(1, "say something");
  await bob.gets(note);
  const reply = await bob.publish(1, "something", [["e", note.id, "", "root"], ["p", alice.key]]);
  const reaction = await bob.publish(7, "+", [["e", note.id], ["p", alice.key]]);
  const mention = await bob.publish(1, `nostr:${nip19.npubEncode(alice.key)} look`, [["p", alice.key, "", "mention"]]);
  for (const event of [reply, reaction, mention]) await alice.gets(event);
});

test("repost and quote reach everybody", async () => {
  const note = await alice.publish(1, "worth repeating");
  await bob.gets(note);
  await alice.gets(await bob.publish(6, JSON.stringify(note), [["e", note.id, ""], ["p", alice.key]]));
  await alice.gets(await bob.publish(1, "so true", [["q", note.id], ["p", alice.key]]));
});

test("a profile and a follow list are served, and the newest wins", async () => {
  await alice.publish(0, JSON.stringify({ name: "alice" }));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // created_at has seconds
  const newer = await alice.publish(0, JSON.stringify({ name: "Alice" }));
  const follows = await alice.publish(3, "", [["p", bob.key]]);
  const profile = await until("bob has the newer profile", async () =>
    (await bob.request({ kinds: [0], authors: [alice.key] })).find((event) => event.id === newer.id));
  assert.equal(JSON.parse(profile.content).name, "Alice");
  assert.equal((await bob.request({ kinds: [0], authors: [alice.key] })).length, 1);
  const lists = await alice.request({ kinds: [3], authors: [alice.key] });
  assert.deepEqual(lists.map((event) => event.id), [follows.id]);
});

test("recent events come oldest first, within since, until and limit", async () => {
  for (let i = 0; i < 5; ++i) await alice.publish(1, `number ${i}`);
  const events = await alice.request({ kinds: [40000], since: now() - 3600, limit: 3 });
  assert.equal(events.length, 3);
  const times = events.map((event) => event.created_at);
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  assert.equal((await alice.request({ kinds: [40000], since: 1, until: 2 })).length, 0);
});

test("answers are packed with gzip only for those who accept it", async () => {
  const headers = { "Content-Type": "application/json" };
  const plain = await rawPost(alice.server, "/req", anything, headers);
  assert.equal(plain.headers["content-encoding"], undefined);
  const packed = await rawPost(alice.server, "/req", anything, { ...headers, "Accept-Encoding": "gzip" });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.ok(packed.body.length < plain.body.length);
  const ids = (body) => decode(body).Evts.map((event) => hex(event.Id));
  assert.deepEqual(ids(gunzipSync(packed.body)), ids(plain.body));
});

test("what is wrong is refused with a reason as JSON, and the server lives on", async () => {
  const good = alice.sign(1, "good");
  const flipped = good.sig.slice(0, -1) + (good.sig.endsWith("0") ? "1" : "0");
  const wrong = [
    ["/publish", "{bad"],
    ["/publish", ""],
    ["/publish", "[]"],
    ["/publish", "null"],
    ["/publish", { ...good, sig: flipped }],
    ["/publish", { ...good, content: "changed" }],
    ["/publish", { ...good, id: "1".repeat(64) }],
    ["/publish", { ...good, pubkey: "zz" }],
    ["/publish", { ...good, created_at: "now" }],
    ["/req", "{bad"],
    ["/req", ""],
  ];
  for (const [path, body] of wrong) {
    const answer = await post(alice.server, path, body);
    const text = await answer.text();
    assert.ok(answer.status >= 400 && answer.status < 500, `${path} ${JSON.stringify(body)}: ${answer.status}`);
    assert.equal(typeof JSON.parse(text).Error, "string");
  }
  await alice.gets(await alice.publish(1, "still here"));
});

const webSocket = (server) => server.url.replace("http", "ws");

test("a client that stays connected sees what its user's friend posts elsewhere", async () => {
  const relay = await Relay.connect(webSocket(bob.server));
  const seen = [];
  let stored;
  relay.subscribe([{ kinds: [1], authors: [alice.key], since: now() - 60 }], {
    onevent: (event) => seen.push(event.content),
    oneose: () => (stored = seen.length),
  });
  await until("the stored ones are told", () => stored !== undefined);
  const words = `live at ${process.hrtime.bigint()}`;
  const own = await Relay.connect(webSocket(alice.server));
  assert.equal(await own.publish(alice.sign(1, words)), "");
  await until("the post arrives live", () => seen.includes(words));
  assert.ok(stored < seen.length);
  await assert.rejects(own.publish(bob.sign(1, "not at alice's")), /^Error: restricted: /);
  own.close();
  relay.close();
});

test("a page from elsewhere signs in before it reads", async () => {
  const socket = new WebSocket(webSocket(alice.server), { origin: "https://client.example" });
  const heard = [];
  socket.on("message", (data) => heard.push(JSON.parse(data.toString())));
  const answer = (type, id) => until(`${type} ${id}`, () => heard.find((one) => one[0] === type && (!id || one[1] === id)));
  const challenge = (await answer("AUTH"))[1];
  socket.send(JSON.stringify(["REQ", "early", { limit: 1 }]));
  assert.match((await answer("CLOSED", "early"))[2], /^auth-required: /);
  const proof = alice.sign(22242, "", [["relay", webSocket(alice.server)], ["challenge", challenge]]);
  socket.send(JSON.stringify(["AUTH", proof]));
  assert.equal((await answer("OK", proof.id))[2], true);
  socket.send(JSON.stringify(["REQ", "home", { limit: 1 }]));
  await answer("EOSE", "home");
  assert.equal(heard.filter((one) => one[0] === "EVENT").length, 1);
  socket.close();

  const foreign = { Origin: "https://client.example" };
  const filter = { kinds: [1], limit: 1 };
  const refused = await post(alice.server, "/req", filter, foreign);
  assert.equal(refused.status, 401);
  const nonce = refused.headers.get("www-authenticate").match(/nonce="([0-9a-f]+)"/)[1];
  const path = `/req?nonce=${nonce}`;
  const sign = (template) => finalizeEvent(template, alice.secret);
  const token = await nip98.getToken(alice.server.url + path, "POST", sign, true, filter);
  const statusOf = async () => (await post(alice.server, path, filter, { ...foreign, Authorization: token })).status;
  assert.equal(await statusOf(), 200);
  assert.equal(await statusOf(), 401, "a proof works once");
});

test("everybody may know what kind of relay this is", async () => {
  const answer = await fetch(alice.server.url, { headers: { Accept: "application/nostr+json" } });
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  const document = await answer.json();
  assert.equal(document.pubkey, alice.key);
  assert.ok(document.supported_nips.includes(42));
});
