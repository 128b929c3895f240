// How large an event may be, and that it comes back in its client's own words: on the real program, over both of its
// interfaces, through its files, and from one server to another.
import "./globals.mjs";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decode } from "@msgpack/msgpack";
import { Person, now } from "./people.mjs";
import { Server, binary, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const json = JSON.stringify;
const directory = mkdtempSync(join(tmpdir(), "nostrp2p-limits-"));

before(async () => {
  alice.server = await Server.start(alice.key);
  bob.server = await Server.start(bob.key, { bootstrap: alice.server });
});
after(async () => {
  assert.deepEqual([await alice.server.stop(), await bob.server.stop()], [0, 0]);
  rmSync(directory, { recursive: true, force: true });
});

// One message and what is answered to it, as texts, up to the one that begins so.
function ask(server, message, ...ends) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(server.relay);
    const heard = [];
    const late = setTimeout(() => reject(new Error(`no ${ends}; heard was ${heard.map((one) => one.slice(0, 200))}`)), 20_000);
    socket.on("open", () => socket.send(message));
    socket.on("message", (data) => {
      heard.push(data.toString());
      if (!ends.some((end) => heard.at(-1).startsWith(end))) return;
      clearTimeout(late);
      socket.close();
      resolve(heard);
    });
    socket.on("error", reject);
  });
}
// "" if it is taken, else why not.
async function publish(server, text) {
  const [, , taken, reason] = JSON.parse((await ask(server, `["EVENT",${text}]`, '["OK"')).at(-1));
  return taken ? "" : reason;
}
const stored = async (server, filter) =>
  (await ask(server, json(["REQ", "s", filter]), '["EOSE"')).slice(0, -1).map((text) => text.slice('["EVENT","s",'.length, -1));
const post = (server, path, body) =>
  fetch(server.url + path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
const refusals = async (server, reason) =>
  Number((await (await fetch(`${server.url}/metrics`)).text()).match(new RegExp(`rejected_total{what="${reason}"} (\\d+)`))?.[1] ?? 0);
const contacts = (count) => Array.from({ length: count }, () => ["p", new Person().key]);
const run = (person, ...words) => execFileSync(binary, [...words, "--data-dir", person.server.directory], { encoding: "utf8" });
const stopped = async (person, what) => {
  assert.equal(await person.server.pause(), 0);
  try {
    return what();
  } finally {
    await person.server.resume();
  }
};

test("an event has 64 KiB and 2,000 tags, a list 256 KiB and 3,500, over both interfaces", async () => {
  const people = contacts(3501);
  const good = [alice.sign(1, "x".repeat(65_000)), alice.sign(1, "tags", people.slice(0, 800)), alice.sign(3, "", people.slice(0, 3500))];
  const tagged = alice.sign(1, "many", Array.from({ length: 2001 }, () => ["t", "x"]));
  const large = [alice.sign(1, "x".repeat(65_500)), alice.sign(30023, "x".repeat(65_500), [["d", "article"]]), alice.sign(3, "x".repeat(262_000))];
  const bad = [...large.map((event) => [event, "the event is larger than allowed"]), [tagged, "the event has too many tags"],
    [alice.sign(3, "", people), "the event has too many tags"]];
  const before = await refusals(alice.server, "publish too_large");
  for (const [event, why] of bad) {
    assert.equal(await publish(alice.server, json(event)), `invalid: ${why}`);
    const answer = await post(alice.server, "/publish", json(event));
    assert.deepEqual([answer.status, await answer.json()], [413, { Error: why }]);
  }
  assert.equal(await refusals(alice.server, "publish too_large"), before + 2 * bad.length, "each is counted");
  for (const event of good) {
    assert.equal(await publish(alice.server, json(event)), "");
    assert.equal((await post(alice.server, "/publish", json(event))).status, 200, "once more");
    assert.deepEqual((await stored(alice.server, { ids: [event.id] })).map((text) => JSON.parse(text)), [event]);
  }
  const lines = join(directory, "large.jsonl");
  writeFileSync(lines, [...bad.map(([event]) => event), alice.sign(1, "small")].map((event) => json(event)).join("\n"));
  const said = await stopped(alice, () => run(alice, "import", lines));
  assert.match(said, /1 stored, 0 duplicate, 5 refused/);
  assert.match(said, /3 refused: the event is larger than allowed/);
  assert.match(said, /2 refused: the event has too many tags/);
});

test("a body and a message have 320 KiB", async () => {
  const before = [await refusals(alice.server, "request too_large"), await refusals(alice.server, "client message too_large")];
  assert.equal((await post(alice.server, "/publish", " ".repeat(320 * 1024 + 1))).status, 413);
  const code = await new Promise((resolve) => {
    const socket = new WebSocket(alice.server.relay);
    socket.on("open", () => socket.send(" ".repeat(320 * 1024 + 1)));
    socket.on("close", resolve);
    socket.on("error", () => {});
  });
  assert.equal(code, 1009);
  const after = [await refusals(alice.server, "request too_large"), await refusals(alice.server, "client message too_large")];
  assert.deepEqual(after, [before[0] + 1, before[1] + 1]);
});

test("a list of 3,500 contacts reaches another server, asked for and followed", async () => {
  const list = alice.sign(3, "", contacts(3500), now() + 10);
  assert.equal(await publish(alice.server, json(list)), "");
  await until("the follow list is there", async () => {
    const [found] = await stored(bob.server, { kinds: [3], authors: [alice.key] });
    return found && JSON.parse(found).id === list.id && assert.deepEqual(JSON.parse(found), list) === undefined;
  });
  assert.equal(await publish(bob.server, json(bob.sign(3, "", [["p", alice.key]]))), "");
  await until("alice knows her follower", async () => (await (await fetch(`${alice.server.url}/status`)).json()).followers === 1);
  const set = alice.sign(30000, "", [["d", "friends"], ...contacts(3499)]);
  assert.equal(await publish(alice.server, json(set)), "");
  await until("the set is there", async () => (await stored(bob.server, { ids: [set.id] })).length === 1);
});

test("everybody may know how large an event may be", async () => {
  const answer = await fetch(alice.server.url, { headers: { Accept: "application/nostr+json" } });
  const { limitation } = await answer.json();
  assert.equal(limitation.max_event_tags, 2000);
  assert.equal(limitation.max_content_length, 65_536);
  assert.equal(limitation.max_list_tags, 3500);
  assert.equal(limitation.max_list_length, 262_144);
  assert.equal(limitation.max_message_length, 327_680);
  assert.equal(limitation.created_at_upper_limit, 900);
});

test("[limits] of the configuration is what holds, and what is told", async () => {
  const carol = new Person();
  const config = join(directory, "carol.toml");
  writeFileSync(config, `[limits]
event-kib = 8
event-tags = 20
list-kib = 16
list-tags = 30
message-kib = 24
subscriptions = 2
filters = 3
answer-events = 4
future-seconds = 60
trusted-messages-burst = 40
trusted-messages-per-second = 1
`);
  const server = await Server.start(carol.key, { args: ["--config", config] });
  try {
    const { limitation } = await (await fetch(server.url, { headers: { Accept: "application/nostr+json" } })).json();
    const told = Object.entries({
      max_event_tags: 20, max_content_length: 8192, max_list_tags: 30, max_list_length: 16_384, max_message_length: 24_576,
      max_subscriptions: 2, max_filters: 3, max_limit: 4, created_at_upper_limit: 60 });
    for (const [what, number] of told) assert.equal(limitation[what], number, what);
    const tags = (count) => Array.from({ length: count }, () => ["t", "x"]);
    assert.equal(await publish(server, json(carol.sign(1, "x".repeat(8000)))), "invalid: the event is larger than allowed");
    assert.equal(await publish(server, json(carol.sign(1, "", tags(21)))), "invalid: the event has too many tags");
    assert.equal(await publish(server, json(carol.sign(3, "", tags(31)))), "invalid: the event has too many tags");
    assert.equal(await publish(server, json(carol.sign(1, "soon", [], now() + 120))), "invalid: created_at lies in the future");
    assert.equal((await post(server, "/publish", " ".repeat(24_577))).status, 413);
    for (let i = 0; i < 6; ++i) assert.equal(await publish(server, json(carol.sign(1, `${i}`, tags(20), now() - i))), "");
    assert.equal((await stored(server, {})).length, 4);
    const [closed] = await ask(server, json(["REQ", "s", {}, {}, {}, {}]), '["CLOSED"');
    assert.match(closed, /invalid: too many filters/);
    const talkative = new WebSocket(server.relay);
    const heard = [];
    talkative.on("message", (data) => heard.push(data.toString()));
    await new Promise((resolve) => talkative.on("open", resolve));
    for (const id of ["a", "b", "c"]) talkative.send(json(["REQ", id, { limit: 0 }]));
    await until("the third is one too many", () => heard.some((text) => text.startsWith('["CLOSED","c","rate-limited: too many open')));
    for (let i = 0; i < 60; ++i) talkative.send(json(["CLOSE", "a"]));
    await until("too many messages", () => heard.some((text) => text.includes("rate-limited: too many messages")));
    talkative.close();
  } finally {
    assert.equal(await server.stop(), 0);
  }
});

test("an event comes back in its client's own words: stored, live, after a restart, exported and imported", async () => {
  const spell = (event) => json(event).replace('"ä/', '"\\u00E4\\/').replaceAll(",", " ,\n ").replaceAll(":", " : ");
  const at = now();
  const { id, pubkey, created_at, kind, tags, content, sig } = bob.sign(1, "order", [["t", "words"]], at - 1);
  const wanted = [
    spell(bob.sign(1, "ä/🦆", [["t", "words"]], at)), json({ kind, content, sig, tags, pubkey, id, created_at }),
    json(bob.sign(1, "usual", [["t", "words"]], at - 2)),
  ];
  const live = new WebSocket(bob.server.relay);
  const heard = [];
  live.on("message", (data) => heard.push(data.toString()));
  await new Promise((resolve) => live.on("open", resolve));
  live.send(json(["REQ", "live", { "#t": ["words"] }]));
  await until("the subscription", () => heard.length === 1);
  assert.equal(await publish(bob.server, wanted[0]), "");
  assert.equal((await post(bob.server, "/publish", ` \n${wanted[1]}\n`)).status, 200);
  assert.equal(await publish(bob.server, wanted[2]), "");
  await until("all live", () => heard.length === 4);
  assert.deepEqual(heard.slice(1), wanted.map((text) => `["EVENT","live",${text}]`));
  live.close();
  assert.deepEqual(await stored(bob.server, { "#t": ["words"] }), wanted);

  const lines = await stopped(bob, () => run(bob, "export", "--filter", json({ "#t": ["words"] })));
  assert.deepEqual(await stored(bob.server, { "#t": ["words"] }), wanted, "after a restart");
  const inLines = wanted.map((text) => text.replaceAll("\n", " "));
  assert.deepEqual(lines.trimEnd().split("\n"), inLines.toReversed(), "the oldest first, one in a line");

  const dave = new Person();
  dave.server = await Server.start(dave.key, { args: ["--writers", bob.npub] });
  try {
    const file = join(directory, "words.jsonl");
    writeFileSync(file, lines);
    await stopped(dave, () => run(dave, "import", file));
    assert.deepEqual(await stored(dave.server, { "#t": ["words"] }), inLines);
  } finally {
    assert.equal(await dave.server.stop(), 0);
  }
  // Whom it reaches through the network reads it as every server writes it.
  assert.equal(await publish(alice.server, json(alice.sign(3, "", [["p", bob.key]], now() + 20))), "");
  const usual = (text) => {
    const { id, pubkey, created_at, kind, tags, content, sig } = JSON.parse(text);
    return json({ id, pubkey, created_at, kind, tags, content, sig });
  };
  await until("they are at the other server", async () => {
    const there = await stored(alice.server, { "#t": ["words"] });
    if (there.length < 3) return false;
    assert.deepEqual(there, wanted.map(usual));
    return true;
  });
});

test("fields that nobody signed are not sent on", async () => {
  const event = alice.sign(1, "fields", [["t", "fields"]]);
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  assert.equal(await publish(alice.server, json({ deleted: true, ...event, relays: ["wss://x"] })), "");
  assert.deepEqual(await stored(alice.server, { "#t": ["fields"] }), [json({ id, pubkey, created_at, kind, tags, content, sig })]);
});

test("REST answers the events themselves, whatever they were written like", async () => {
  // Newer than what was signed within the same second: the lowest id would come first.
  const event = bob.sign(1, "ä in MessagePack", [], now() + 40);
  assert.equal((await post(bob.server, "/publish", json(event).replace("ä", "\\u00e4"))).status, 200);
  const answer = await post(bob.server, "/req", json({ kinds: [1], authors: [bob.key], limit: 1 }));
  assert.equal(decode(new Uint8Array(await answer.arrayBuffer())).Evts[0].Content, "ä in MessagePack");
});
