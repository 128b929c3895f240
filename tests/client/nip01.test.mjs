// The rules of NIP-01 that people get wrong, on the wire: what is sent and heard here are texts, not objects.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, now } from "./people.mjs";
import { Server } from "./server.mjs";

const alice = new Person();
let server, socket, heard, woken;

before(async () => {
  server = await Server.start(alice.key);
  socket = new WebSocket(server.relay);
  heard = [];
  socket.on("message", (data) => {
    heard.push(data.toString());
    woken?.();
  });
  await new Promise((resolve) => socket.on("open", resolve));
});
after(async () => {
  socket.close();
  assert.equal(await server.stop(), 0);
});

// The answers up to the one that begins so (or so).
async function until(...begins) {
  for (;;) {
    const at = heard.findIndex((text) => begins.some((begin) => text.startsWith(begin)));
    if (at >= 0) return heard.splice(0, at + 1);
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${begins}; heard was ${heard}`)), 20_000);
      woken = () => resolve(clearTimeout(late));
    });
  }
}
const say = (text) => socket.send(text);
// "" if the text of an event is taken, else the prefix of the reason; "NOTICE" if nothing names the event.
async function publish(text) {
  say(`["EVENT",${text}]`);
  const [type, , taken, reason] = JSON.parse((await until('["OK"', '["NOTICE"')).at(-1));
  if (type === "NOTICE") return type;
  return taken ? "" : reason.split(":")[0];
}
let asked = 0;
async function texts(...filters) {
  const id = `q${++asked}`;
  say(JSON.stringify(["REQ", id, ...filters]));
  const answers = await until(`["EOSE","${id}"]`);
  say(JSON.stringify(["CLOSE", id]));
  return answers.slice(0, -1).map((text) => text.slice(`["EVENT","${id}",`.length, -1));
}
const query = async (...filters) => (await texts(...filters)).map((text) => JSON.parse(text));
const contents = async (...filters) => (await query(...filters)).map((event) => event.content);
const json = JSON.stringify;

test("every character comes back as it must be written", async () => {
  const all = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)).join("");
  const event = alice.sign(1, `${all} ü \u2028 \u2029 \ufeff \uffff 🦆`, [["t", "characters"], ["x", all]]);
  assert.equal(await publish(json(event)), "");
  const [text] = await texts({ "#t": ["characters"] });
  assert.deepEqual(JSON.parse(text), event);
  for (let code = 0; code < 0x20; ++code) {
    const short = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r" }[code];
    assert.ok(text.includes(short ?? `\\u00${code.toString(16).padStart(2, "0")}`), `${code}`);
  }
  assert.ok(text.includes("\x7f ü \u2028 \u2029 \ufeff \uffff 🦆"), "verbatim");
  assert.ok(!text.includes("\\u007f") && !text.includes("\\/"));
});

test("the same event in other words is the same event", async () => {
  const event = alice.sign(1, "ä/\b🦆", [["t", "words"]]);
  const spelled = json(event).replace('"ä/\\b🦆"', '"\\u00E4\\/\\u0008\\ud83e\\udd86"');
  assert.notEqual(spelled, json(event));
  assert.equal(await publish(` \r\n\t${spelled.replaceAll(",", " ,\n ").replaceAll(":", " : ")} `), "");
  assert.deepEqual(await query({ "#t": ["words"] }), [event]);
  const { id, pubkey, created_at, kind, tags, content, sig } = alice.sign(1, "fields", [["t", "fields"]]);
  assert.equal(await publish(json({ sig, content, unknown: [1, { a: null }], tags, kind, created_at, pubkey, id })), "");
  assert.deepEqual(await contents({ "#t": ["fields"] }), ["fields"]);
});

test("what is no event is refused, and says why", async () => {
  const event = alice.sign(1, "good", [["t", "x"]]);
  const good = json(event);
  const changes = {
    "upper-case id": [event.id, event.id.toUpperCase()],
    "upper-case key": [event.pubkey, event.pubkey.toUpperCase()],
    "upper-case signature": [event.sig, event.sig.toUpperCase()],
    "short id": [event.id, event.id.slice(2)],
    "a lone high surrogate": ["good", "\\ud83e"],
    "a lone low surrogate": ["good", "\\udd86"],
    "surrogates in the wrong order": ["good", "\\udd86\\ud83e"],
    "a bare control character": ["good", "go\x01od"],
    "a bare line feed": ["good", "go\nod"],
    "an unknown escape": ["good", "\\x41"],
    "another content": ["good", "bad"],
    "a key in single quotes": ['"kind"', "'kind'"],
    "a trailing comma": ['[["t","x"]]', '[["t","x"],]'],
    "a number in a tag": ['["t","x"]', '["t",1]'],
    "null in a tag": ['["t","x"]', '["t",null]'],
    "an empty tag": ['["t","x"]', "[]"],
    "tags that are no list": ['[["t","x"]]', "{}"],
    "a kind above 65535": ['"kind":1', '"kind":65536'],
    "a negative kind": ['"kind":1', '"kind":-1'],
    "a kind with a point": ['"kind":1', '"kind":1.0'],
    "a kind with an exponent": ['"kind":1', '"kind":1e0'],
    "a kind as text": ['"kind":1', '"kind":"1"'],
    "a time as text": [`${event.created_at}`, `"${event.created_at}"`],
    "a time with a point": [`${event.created_at}`, `${event.created_at}.0`],
    "no content": [',"content":"good"', ""],
    "null as content": ['"good"', "null"],
    "no signature": [`,"sig":"${event.sig}"`, ""],
    "another's signature": [event.sig, alice.sign(1, "other").sig],
  };
  for (const [what, [from, to]] of Object.entries(changes)) {
    const changed = good.replaceAll(from, to);
    assert.notEqual(changed, good, what);
    const answer = await publish(changed);
    assert.ok(answer === "invalid" || answer === "NOTICE", `${what}: ${answer}`);
  }
  assert.deepEqual(await contents({ ids: [event.id] }), []);
  assert.equal(await publish(good), "");
});

test("of one second the lowest id stands first, and holds the place in either order", async () => {
  const at = now() - 100;
  const three = ["a", "b", "c"].map((text) => alice.sign(1, text, [["t", "ties"]], at)).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const event of [three[1], three[2], three[0]]) assert.equal(await publish(json(event)), "");
  assert.deepEqual(await query({ "#t": ["ties"] }), three);
  assert.deepEqual(await query({ "#t": ["ties"], limit: 1 }), [three[0]]);
  for (const [kind, tags] of [[10002, []], [30001, [["d", "place"]]]]) {
    for (const lowFirst of [true, false]) {
      const time = now() - (lowFirst ? 60 : 30);
      const [low, high] = ["x", "y"].map((text) => alice.sign(kind, text, tags, time)).sort((a, b) => (a.id < b.id ? -1 : 1));
      assert.equal(await publish(json(lowFirst ? low : high)), "");
      assert.equal(await publish(json(lowFirst ? high : low)), lowFirst ? "invalid" : "");
      assert.deepEqual(await query({ kinds: [kind], authors: [alice.key] }), [low], `${kind}`);
    }
  }
});

test("no d is an empty d, and of several the first counts", async () => {
  const events = [[], [["d"]], [["d", ""]], [["d", "", "x"], ["d", "y"]]].map((tags, i) => alice.sign(30002, `${i}`, tags, now() - 9 + i));
  for (const event of events) assert.equal(await publish(json(event)), "");
  assert.deepEqual(await contents({ kinds: [30002] }), ["3"]);
  assert.equal(await publish(json(alice.sign(30002, "other", [["d", "y"]], now() - 20))), "");
  assert.deepEqual(await contents({ kinds: [30002] }), ["3", "other"]);
});

test("expired events are neither taken nor served, and come to an end while they are asked for", async () => {
  assert.equal(await publish(json(alice.sign(1, "late", [["expiration", `${now() - 1}`]]))), "invalid");
  const soon = alice.sign(1, "soon", [["expiration", `${now() + 2}`], ["t", "soon"]]);
  assert.equal(await publish(json(soon)), "");
  assert.deepEqual(await contents({ "#t": ["soon"] }), ["soon"]);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  assert.deepEqual(await contents({ "#t": ["soon"] }), []);
  assert.deepEqual(await contents({ ids: [soon.id] }), []);
});

test("ephemeral events are told and not stored", async () => {
  say('["REQ","typing",{"kinds":[20001]}]');
  await until('["EOSE","typing"]');
  const event = alice.sign(20001, "typing");
  say(`["EVENT",${json(event)}]`);
  const told = await until('["EVENT","typing"');
  assert.deepEqual(JSON.parse(told.pop())[2], event);
  assert.ok((told[0] ?? (await until('["OK"'))[0]).startsWith(`["OK","${event.id}",true`));
  say('["CLOSE","typing"]');
  assert.deepEqual(await contents({ kinds: [20001] }), []);
  assert.deepEqual(await contents({ ids: [event.id] }), []);
});

test("empty lists match nothing, and limit 0 only what is to come", async () => {
  for (const filter of [{ ids: [] }, { authors: [] }, { kinds: [] }, { "#t": [] }, { kinds: [1], "#e": [] }]) {
    assert.deepEqual(await texts(filter), [], json(filter));
  }
  assert.equal((await texts({ ids: [] }, { kinds: [1], limit: 2 })).length, 2);
  say('["REQ","zero",{"limit":0}]');
  assert.deepEqual(await until('["EOSE","zero"]'), ['["EOSE","zero"]']);
  const event = alice.sign(1, "to come");
  say(`["EVENT",${json(event)}]`);
  assert.deepEqual(JSON.parse((await until('["EVENT","zero"'))[0])[2], event);
  say('["CLOSE","zero"]');
  await until('["OK"');
});

test("several filters bring each event once, stored and live", async () => {
  const filters = [{ kinds: [1] }, { authors: [alice.key], limit: 3 }, {}, { "#t": ["ties"] }];
  const found = await query(...filters);
  assert.equal(new Set(found.map((event) => event.id)).size, found.length);
  say(json(["REQ", "many", ...filters]));
  await until('["EOSE","many"]');
  const event = alice.sign(1, "live", [["t", "ties"]]);
  say(`["EVENT",${json(event)}]`);
  const answers = [...(await until(`["OK","${event.id}"`)), ...(await publishedAfter())];
  assert.equal(answers.filter((text) => text.startsWith('["EVENT","many"')).length, 1);
  say('["CLOSE","many"]');
});
const publishedAfter = async () => (say('["COUNT","end",{"ids":[]}]'), until('["COUNT","end"'));

test("subscription ids have 1 to 64 characters, whatever they are", async () => {
  const ok = ["x", "x".repeat(64), "ä".repeat(64), "🦆".repeat(64), '"\\\n\u0001'];
  for (const id of ok) {
    say(json(["REQ", id, { limit: 0 }]));
    assert.deepEqual(JSON.parse((await until('["EOSE"'))[0]), ["EOSE", id]);
    say(json(["CLOSE", id]));
  }
  for (const id of ["", "x".repeat(65), 7, null, ["x"]]) {
    say(json(["REQ", id, {}]));
    assert.match((await until('["NOTICE"'))[0], /^\["NOTICE","invalid: /);
  }
});

test("filters are read strictly: what is wrong is never taken for everything", async () => {
  const hex = "0".repeat(64);
  const wrong = [
    '{"ids":["abc"]}', `{"ids":["${hex.replace("0", "A")}"]}`, `{"authors":["${alice.key.toUpperCase()}"]}`, '{"ids":"x"}',
    '{"kinds":["1"]}', '{"kinds":[1.5]}', '{"since":"1"}', '{"limit":"1"}', '{"#t":"x"}', '{"#t":[1]}',
    '{"search":1}', "[]", "null", "7",
  ];
  for (const filter of wrong) {
    say(`["REQ","wrong",${filter}]`);
    assert.match((await until('["CLOSED","wrong"', '["EOSE","wrong"'))[0], /^\["CLOSED","wrong","invalid: /, filter);
  }
});
