// rx-nostr: requests and answers as streams; reads NIP-11 to know how many subscriptions it may have.
import { page } from "./globals.mjs";
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { verifyEvent } from "nostr-tools/pure";
import { createRxBackwardReq, createRxForwardReq, createRxNostr, now, uniq } from "rx-nostr";
import { first, firstValueFrom, lastValueFrom, toArray } from "rxjs";
import { Person, contents } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
const opened = [];
let server, rx;

function connect(person) {
  const signer = { getPublicKey: async () => person.key, signEvent: async (params) => signed(person, params) };
  const made = createRxNostr({
    signer,
    verifier: async (event) => verifyEvent(event),
    websocketCtor: WebSocket,
    authenticator: "auto",
    retry: { strategy: "linear", maxCount: 50, interval: 100 },
  });
  made.setDefaultRelays([server.relay]);
  opened.push(made);
  return made;
}
const signed = (person, event) => event.sig ? event : person.sign(event.kind, event.content, event.tags ?? [], event.created_at);
const send = (params, by = rx) => lastValueFrom(by.send(params));
async function query(filter, by = rx) {
  const request = createRxBackwardReq();
  const found = lastValueFrom(by.use(request).pipe(uniq(), toArray()));
  request.emit(filter);
  request.over();
  return (await found).map((packet) => packet.event);
}

before(async () => {
  server = await Server.start(alice.key);
  rx = connect(alice);
});
afterEach(() => (page.origin = undefined));
after(async () => {
  for (const made of opened) made.dispose();
  assert.equal(await server.stop(), 0);
});

test("publishes a profile, a follow list and posts, and finds them", async () => {
  for (const [kind, content, tags] of [
    [0, '{"name":"alice"}', []], [3, "", [["p", bob.key]]], [1, "quack", [["t", "duck"]]], [1, "moo", [["t", "cow"]]],
  ]) {
    const { ok, notice } = await send({ kind, content, tags });
    assert.deepEqual([ok, notice], [true, ""]);
  }
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ "#t": ["duck"] })), ["quack"]);
  assert.deepEqual((await query({ kinds: [3], authors: [alice.key] }))[0].tags, [["p", bob.key]]);
  assert.deepEqual(contents(await query({ kinds: [0] })), ['{"name":"alice"}']);
  const refused = await send(bob.sign(1, "not here"));
  assert.equal(refused.ok, false);
  assert.match(refused.notice, /^restricted: /);
});

test("a forward request hears what comes live, with another filter when it is told so", async () => {
  const heard = [];
  const request = createRxForwardReq();
  const subscription = rx.use(request).subscribe(({ event }) => heard.push(event.content));
  request.emit({ ...notes, since: now });
  request.emit({ "#t": ["goose"], since: now });
  await send({ kind: 1, content: "honk", tags: [["t", "goose"]] });
  await send({ kind: 1, content: "moo again", tags: [["t", "cow"]] });
  await send({ kind: 1, content: "honk honk", tags: [["t", "goose"]] });
  await until("both come", () => heard.includes("honk honk"));
  assert.ok(!heard.includes("moo again"));
  subscription.unsubscribe();
});

test("deletes what it published", async () => {
  const regretted = alice.sign(1, "oops");
  await send(regretted);
  await send({ kind: 5, content: "", tags: [["e", regretted.id]] });
  assert.deepEqual(await query({ ids: [regretted.id] }), []);
  assert.match((await send(regretted)).notice, /^blocked: /);
});

test("signs in where a page of another origin has to", async () => {
  page.origin = "https://client.example";
  const abroad = connect(alice);
  assert.ok(contents(await query(notes, abroad)).includes("quack"));
});

test("a protected event is taken once its author has signed in", async () => {
  const event = alice.sign(1, "mine alone", [["-"]]);
  assert.equal((await send(event)).ok, true);
  assert.deepEqual(contents(await query({ ids: [event.id] })), ["mine alone"]);
});

test("a subscription outlives a restart of the server", async () => {
  const heard = [];
  const request = createRxForwardReq();
  rx.use(request).subscribe(({ event }) => heard.push(event.content));
  const open = firstValueFrom(rx.createOutgoingMessageObservable().pipe(first(({ message }) => message[0] === "REQ")));
  request.emit({ ...notes, since: now });
  await open;
  assert.equal(await server.pause(), 0);
  await server.resume();
  await until("the relay is there again", () => rx.getRelayStatus(server.relay).connection === "connected");
  await send({ kind: 1, content: "after the restart" });
  await until("it comes", () => heard.includes("after the restart"));
});
