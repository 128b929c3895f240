// NDK: its users, notes, reactions and threads, with a signer that signs whatever is published.
import { page } from "./globals.mjs";
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayStatus, NDKSubscriptionCacheUsage } from "@nostr-dev-kit/ndk";
import { Person, contents, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
const opened = [];
let server, ndk;

async function connect(person) {
  const made = new NDK({
    explicitRelayUrls: [server.relay],
    signer: person && new NDKPrivateKeySigner(person.secret),
    enableOutboxModel: false, // which asks relays elsewhere
    autoConnectUserRelays: false,
    aiGuardrails: false,
  });
  made.relayAuthDefaultPolicy = person && (async () => true);
  opened.push(made);
  await made.connect(2000);
  if (person) await made.signer.user();
  return made;
}
const write = async (kind, content, tags = []) => {
  const event = new NDKEvent(ndk, { kind, content, tags, created_at: now() });
  await event.publish();
  return event;
};
const query = async (filter, by = ndk) =>
  [...(await by.fetchEvents(filter, { cacheUsage: NDKSubscriptionCacheUsage.ONLY_RELAY, groupable: false }))];

before(async () => {
  server = await Server.start(alice.key);
  ndk = await connect(alice);
});
afterEach(() => (page.origin = undefined));
after(async () => {
  for (const made of opened) for (const relay of made.pool.relays.values()) relay.disconnect();
  assert.equal(await server.stop(), 0);
});

test("publishes a profile and a follow list, and reads them", async () => {
  const user = ndk.getUser({ pubkey: alice.key });
  user.profile = { name: "alice", about: "ducks" };
  await user.publish();
  assert.equal((await ndk.getUser({ pubkey: alice.key }).fetchProfile()).name, "alice");
  assert.ok(await user.follow(ndk.getUser({ pubkey: bob.key })));
  assert.deepEqual([...(await ndk.getUser({ pubkey: alice.key }).followSet())], [bob.key]);
});

test("publishes notes and finds them by author, id and tag", async () => {
  const duck = await write(1, "quack", [["t", "duck"]]);
  await write(1, "moo", [["t", "cow"]]);
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ "#t": ["duck"] })), ["quack"]);
  assert.equal((await ndk.fetchEvent(duck.encode())).content, "quack");
  assert.equal((await ndk.count([notes])).count, 2);
  const foreign = new NDKEvent(ndk, bob.sign(1, "not here"));
  await assert.rejects(foreign.publish(), /Not enough relays received the event/);
});

test("replies, reacts and reposts", async () => {
  const note = await write(1, "say something");
  const reply = note.reply();
  reply.content = "something";
  await reply.publish();
  await note.react("+");
  await note.repost();
  const about = await query({ "#e": [note.id] });
  assert.deepEqual(about.map((event) => event.kind).sort(), [1, 6, 7]);
});

test("hears what comes after the stored ones", async () => {
  const heard = [];
  let stored;
  const subscription = ndk.subscribe([{ ...notes, "#t": ["duck"] }], { closeOnEose: false, groupable: false }, {
    onEvent: (event) => heard.push(event.content),
    onEose: () => (stored = heard.length),
  });
  await until("the stored one is told", () => stored === 1);
  await write(1, "live", [["t", "duck"]]);
  await until("it comes", () => heard[1] === "live");
  subscription.stop();
});

test("deletes what it published", async () => {
  const regretted = await write(1, "oops");
  await regretted.delete("typo");
  await until("it is gone", async () => (await query({ ids: [regretted.id] })).length === 0);
});

test("signs in where a page of another origin has to", async () => {
  page.origin = "https://client.example";
  const abroad = await connect(alice);
  await until("the relay knows who it is", () => [...abroad.pool.relays.values()][0].status === NDKRelayStatus.AUTHENTICATED);
  assert.ok((await query(notes, abroad)).length >= 4);
  const nobody = await connect();
  await until("a stranger is asked", () => [...nobody.pool.relays.values()][0].status === NDKRelayStatus.AUTH_REQUESTED);
});

test("a protected event is taken once its author has signed in", async () => {
  const event = new NDKEvent(ndk, { kind: 1, content: "mine alone", tags: [["-"]], created_at: now() });
  await event.publish();
  assert.deepEqual(contents(await query({ ids: [event.id] })), ["mine alone"]);
});

test("a subscription outlives a restart of the server", async () => {
  const heard = [];
  ndk = await connect(alice); // one that has signed in is not connected again by NDK 3.0.3
  let open = false;
  const subscription = ndk.subscribe([{ ...notes, since: now() }], { closeOnEose: false, groupable: false }, {
    onEvent: (event) => heard.push(event.content),
    onEose: () => (open = true),
  });
  await until("it is open", () => open);
  assert.equal(await server.pause(), 0);
  await server.resume();
  await until("the relay is there again", () => ndk.pool.connectedRelays().length === 1);
  await write(1, "after the restart");
  await until("it comes", () => heard.includes("after the restart"));
  subscription.stop();
});
