// nostr-tools: a pool with one relay, as most clients begin; and its NIP-11, 42 and 45.
import { page } from "./globals.mjs";
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { SimplePool } from "nostr-tools/pool";
import { Relay } from "nostr-tools/relay";
import { fetchRelayInformation } from "nostr-tools/nip11";
import { Person, contents, now, plain } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
let server, pool;
before(async () => {
  server = await Server.start(alice.key);
  pool = new SimplePool({ enableReconnect: true });
});
afterEach(() => (page.origin = undefined));
after(async () => {
  pool?.destroy();
  assert.equal(await server.stop(), 0);
});

const publish = async (event, options) => (await Promise.all(pool.publish([server.relay], event, options)))[0];
const query = (filter) => pool.querySync([server.relay], filter);

test("publishes a profile, a follow list and posts, and finds them", async () => {
  await publish(alice.sign(0, JSON.stringify({ name: "alice" })));
  await publish(alice.sign(3, "", [["p", bob.key]]));
  const duck = alice.sign(1, "quack", [["t", "duck"]]);
  for (const event of [duck, alice.sign(1, "moo", [["t", "cow"]])]) await publish(event);
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ "#t": ["duck", "goose"] })), ["quack"]);
  assert.deepEqual((await query({ ids: [duck.id] })).map(plain), [duck]);
  assert.deepEqual((await query({ kinds: [3], authors: [alice.key] }))[0].tags, [["p", bob.key]]);
  assert.equal(JSON.parse((await pool.get([server.relay], { kinds: [0] })).content).name, "alice");
  assert.deepEqual(await query({ kinds: [1], authors: [bob.key] }), []);
  await assert.rejects(publish(bob.sign(1, "not here")), /restricted: /);
});

test("hears what comes after the stored ones", async () => {
  const heard = [];
  const subscription = await new Promise((resolve) => {
    const opened = pool.subscribe([server.relay], notes, {
      onevent: (event) => heard.push(event.content),
      oneose: () => resolve(opened),
    });
  });
  assert.deepEqual([...heard].sort(), ["moo", "quack"]);
  await publish(alice.sign(1, "live"));
  await until("it comes", () => heard[2] === "live");
  subscription.close();
});

test("counts", async () => {
  const relay = await Relay.connect(server.relay);
  assert.equal(await relay.count([notes], {}), 3);
  assert.equal(await relay.count([{ kinds: [7] }], {}), 0);
  relay.close();
});

test("deletes what it published, for good", async () => {
  const regretted = alice.sign(1, "oops");
  await publish(regretted);
  await publish(alice.sign(5, "", [["e", regretted.id], ["k", "1"]]));
  assert.deepEqual(await query({ ids: [regretted.id] }), []);
  await assert.rejects(publish(regretted), /blocked: /);
});

test("signs in where a page of another origin has to", async () => {
  page.origin = "https://client.example";
  const abroad = new SimplePool();
  const heard = [];
  let reasons;
  abroad.subscribe([server.relay], notes, { onclose: (why) => (reasons = why) });
  await until("it is refused", () => reasons);
  assert.match(reasons[0], /^auth-required: /);
  const onauth = async (template) => alice.finish(template);
  let eose = false;
  abroad.subscribe([server.relay], notes, { onevent: (event) => heard.push(event), oneose: () => (eose = true), onauth });
  await until("it may read", () => eose);
  assert.equal(heard.length, 3);
  abroad.destroy();
});

test("a protected event is taken once its author has signed in", async () => {
  const event = alice.sign(1, "mine alone", [["-"]]);
  await assert.rejects(publish(event), /auth-required: /);
  await publish(event, { onauth: async (template) => alice.finish(template) });
  assert.deepEqual(contents(await query({ ids: [event.id] })), ["mine alone"]);
});

test("reads what kind of relay it is", async () => {
  const document = await fetchRelayInformation(server.relay);
  assert.equal(document.pubkey, alice.key);
  for (const nip of [1, 9, 11, 40, 42, 45, 50, 70, 77]) assert.ok(document.supported_nips.includes(nip), `NIP-${nip}`);
});

test("a subscription outlives a restart of the server", async () => {
  const heard = [];
  let open = false;
  const handlers = { onevent: (event) => heard.push(event.content), oneose: () => (open = true) };
  pool.subscribe([server.relay], { kinds: [1], since: now() }, handlers);
  await until("it is open", () => open);
  assert.equal(await server.pause(), 0);
  await server.resume();
  const late = alice.sign(1, "after the restart", [], now() + 2); // it asks for later seconds than it has heard of
  await until("the relay is there again", () => pool.publish([server.relay], late)[0].then(() => true, () => false));
  await until("it comes", () => heard.includes(late.content));
});
