// applesauce-relay: a relay as streams, with negentropy both ways (NIP-77).
import { page } from "./globals.mjs";
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Relay, RelayPool, SyncDirection, onlyEvents } from "applesauce-relay";
import { lastValueFrom, toArray } from "rxjs";
import { Person, contents, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
const signer = { signEvent: async (template) => alice.sign(template.kind, template.content, template.tags, template.created_at) };
let server, pool, relay;

before(async () => {
  server = await Server.start(alice.key);
  pool = new RelayPool();
  relay = pool.relay(server.relay);
});
afterEach(() => (page.origin = undefined));
after(async () => {
  for (const one of pool.relays.values()) one.close();
  assert.equal(await server.stop(), 0);
});

const query = (filters, by = relay) => lastValueFrom(by.request(filters).pipe(toArray()));

test("publishes a profile, a follow list and posts, and finds them", async () => {
  for (const event of [
    alice.sign(0, '{"name":"alice"}'), alice.sign(3, "", [["p", bob.key]]),
    alice.sign(1, "quack", [["t", "duck"]]), alice.sign(1, "moo", [["t", "cow"]]),
  ]) {
    const [{ ok, message }] = await pool.publish([server.relay], event);
    assert.deepEqual([ok, message], [true, ""]);
  }
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query([{ "#t": ["duck"] }, { kinds: [0] }])), ["quack", '{"name":"alice"}']);
  assert.deepEqual((await query({ kinds: [3], authors: [alice.key] }))[0].tags, [["p", bob.key]]);
  const refused = await relay.publish(bob.sign(1, "not here"));
  assert.equal(refused.ok, false);
  assert.match(refused.message, /^restricted: /);
});

test("counts, and reads what kind of relay it is", async () => {
  assert.equal((await lastValueFrom(relay.count(notes))).count, 2);
  assert.ok((await relay.getSupported()).includes(77));
  assert.equal((await relay.getInformation()).pubkey, alice.key);
});

test("hears what comes after the stored ones", async () => {
  const heard = [];
  const subscription = relay.subscription(notes).subscribe((message) => heard.push(message));
  await until("the stored ones are told", () => heard[2] === "EOSE");
  await relay.publish(alice.sign(1, "live"));
  await until("it comes", () => heard[3]?.content === "live");
  subscription.unsubscribe();
});

test("deletes what it published", async () => {
  const regretted = alice.sign(1, "oops");
  await relay.publish(regretted);
  await relay.publish(alice.sign(5, "", [["e", regretted.id]]));
  assert.deepEqual(await query({ ids: [regretted.id] }), []);
});

test("finds out what only one side has, fetches and sends it", async () => {
  const made = Array.from({ length: 200 }, (_, i) => alice.sign(1, `${i}`, [["t", "set"]], now() - i));
  const there = made.filter((_, i) => i % 20 !== 3);
  const here = made.filter((_, i) => i % 30 !== 7);
  await Promise.all(there.map((event) => relay.publish(event)));
  const fetched = await lastValueFrom(relay.sync(here, { "#t": ["set"] }, SyncDirection.BOTH).pipe(toArray()));
  assert.deepEqual(contents(fetched), contents(there.filter((event) => !here.includes(event))));
  assert.equal((await query({ "#t": ["set"] })).length, made.length);
});

test("signs in where a page of another origin has to, and for a protected event", async () => {
  page.origin = "https://client.example";
  const abroad = new Relay(server.relay);
  const found = query(notes, abroad); // waits until it is signed in
  await until("it is asked", () => abroad.challenge);
  assert.equal((await abroad.authenticate(signer)).ok, true);
  assert.ok((await found).length > 200);
  assert.equal((await abroad.publish(alice.sign(1, "mine alone", [["-"]]))).ok, true);
  abroad.close();
});

// To a connection that is closed in order it does not come back by itself.
test("a subscription outlives a crash of the server, and so does what was published", async () => {
  await relay.publish(alice.sign(1, "before the crash"));
  const heard = [];
  const stream = relay.subscription({ ...notes, since: now() }, { reconnect: 50, resubscribe: true }).pipe(onlyEvents());
  const subscription = stream.subscribe((event) => heard.push(event.content));
  await until("it is open", () => Object.keys(relay.reqs).length === 1);
  await server.pause("SIGKILL");
  await server.resume();
  await until("the relay is there again", () => relay.connected);
  await relay.publish(alice.sign(1, "after the crash"));
  await until("it comes", () => heard.includes("after the crash"));
  assert.ok(contents(await query(notes)).includes("before the crash"));
  subscription.unsubscribe();
});
