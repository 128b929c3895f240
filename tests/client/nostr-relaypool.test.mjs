// nostr-relaypool: merges what is asked for, keeps the newest profile and follow list of everybody.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RelayPool } from "nostr-relaypool";
import { Person, contents, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
let server, pool, relay;

before(async () => {
  server = await Server.start(alice.key);
  pool = new RelayPool([server.relay], { autoReconnect: true, logErrorsAndNotices: false });
  relay = pool.addOrGetRelay(server.relay);
  await until("it is connected", () => relay.status === 1);
  // It leaves nobody to hear that an attempt to connect again has failed, which Node takes for the test's fault.
  const connect = relay.relay.connect.bind(relay.relay);
  relay.relay.connect = () => connect().catch(() => {});
});
after(async () => {
  await pool.close();
  assert.equal(await server.stop(), 0);
});

// "" or why it was refused.
const publish = (event, send = "publish") =>
  new Promise((resolve) => {
    const sent = relay[send](event);
    sent.on("ok", () => resolve(""));
    sent.on("failed", resolve);
  });
const query = (...filters) =>
  new Promise((resolve) => {
    const found = [];
    const stop = pool.subscribe(filters, [server.relay], (event) => found.push(event), undefined, () => {
      stop();
      resolve(found);
    });
  });

test("publishes a profile, a follow list and posts, and finds them", async () => {
  for (const event of [
    alice.sign(0, '{"name":"old"}', [], now() - 9), alice.sign(0, '{"name":"alice"}'), alice.sign(3, "", [["p", bob.key]]),
    alice.sign(1, "quack", [["t", "duck"]]), alice.sign(1, "moo", [["t", "cow"]]),
  ]) {
    assert.equal(await publish(event), "");
  }
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ "#t": ["duck"] }, { "#t": ["cow"], kinds: [1] })), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ kinds: [0], authors: [alice.key] })), ['{"name":"alice"}']);
  assert.deepEqual((await query({ kinds: [3], authors: [alice.key] }))[0].tags, [["p", bob.key]]);
  assert.match(await publish(bob.sign(1, "not here")), /^restricted: /);
});

test("hears what comes after the stored ones", async () => {
  const heard = [];
  const stop = pool.subscribe([notes], [server.relay], (event, live) => heard.push([event.content, live]));
  await until("the stored ones are told", () => heard.length === 2);
  await publish(alice.sign(1, "live"));
  await until("it comes", () => heard.length === 3);
  assert.deepEqual(heard.map(([, live]) => live), [false, false, true]);
  assert.equal(heard[2][0], "live");
  stop();
});

test("deletes what it published", async () => {
  const regretted = alice.sign(1, "oops");
  await publish(regretted);
  await publish(alice.sign(5, "", [["e", regretted.id]]));
  assert.deepEqual(await query({ ids: [regretted.id] }), []);
});

test("a protected event is taken once its author has signed in", async () => {
  const challenges = [];
  pool.onauth((_, challenge) => challenges.push(challenge));
  const event = alice.sign(1, "mine alone", [["-"]]);
  assert.match(await publish(event), /^auth-required: /);
  const proof = alice.sign(22242, "", [["relay", server.relay], ["challenge", challenges[0]]]);
  assert.equal(await publish(proof, "auth"), "");
  assert.equal(await publish(alice.sign(1, "mine alone, too", [["-"]])), "");
});

test("a subscription outlives a restart of the server", async () => {
  const heard = [];
  let open = false;
  const onEose = () => (open = true);
  pool.subscribe([{ ...notes, since: now() }], [server.relay], (event) => heard.push(event.content), undefined, onEose);
  await until("it is open", () => open);
  assert.equal(await server.pause(), 0);
  await server.resume();
  await until("the relay is there again", () => relay.status === 1);
  await publish(alice.sign(1, "after the restart"));
  await until("it comes", () => heard.includes("after the restart"));
});
