// NDK's sync: a cache of a client and the server, compared by negentropy (NIP-77) over the socket.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import NDK, { NDKEvent } from "@nostr-dev-kit/ndk";
import { NDKSync } from "@nostr-dev-kit/sync";
import { matchFilters } from "nostr-tools";
import { Person, contents, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const alice = new Person();
const notes = { kinds: [1], authors: [alice.key] };
let server, ndk, cache;

// As small as NDK lets a cache be.
class Cache {
  locking = true;
  events = new Map();
  relays = new Map();
  query(subscription) {
    return [...this.events.values()].filter((event) => matchFilters(subscription.filters, event.rawEvent()));
  }
  async setEvent(event) {
    this.events.set(event.id, event);
  }
  getRelayStatus(url) {
    return this.relays.get(url);
  }
  updateRelayStatus(url, status) {
    this.relays.set(url, { ...this.relays.get(url), ...status });
  }
}
const keep = (event) => cache.setEvent(new NDKEvent(ndk, event));
const publish = (event) => new NDKEvent(ndk, event).publish();

before(async () => {
  server = await Server.start(alice.key);
  cache = new Cache();
  ndk = new NDK({
    explicitRelayUrls: [server.relay],
    cacheAdapter: cache,
    enableOutboxModel: false, // which asks relays elsewhere
    autoConnectUserRelays: false,
    aiGuardrails: false,
  });
  await ndk.connect(2000);
});
after(async () => {
  for (const relay of ndk.pool.relays.values()) relay.disconnect();
  assert.equal(await server.stop(), 0);
});

const begin = now();
const oldest = begin - 600;

test("fetches what only the server has, and says what only the client has", async () => {
  const made = Array.from({ length: 400 }, (_, i) => alice.sign(1, `note ${i}`, [], begin - 2 * i - 1));
  const [here, there] = [made.filter((_, i) => i % 97 === 3), made.filter((_, i) => i % 89 === 7)];
  await Promise.all(made.filter((one) => !here.includes(one)).map(publish));
  cache.events.clear();
  for (const event of made.filter((one) => !there.includes(one))) await keep(event);
  const sync = new NDKSync(ndk);
  assert.equal(await sync.checkRelaySupport([...ndk.pool.relays.values()][0]), true);
  const rounds = [];
  const result = await sync.sync(notes, { onNegotiationProgress: (_, progress) => rounds.push(progress.phase) });
  const ids = (events) => events.map((event) => event.id).sort();
  assert.deepEqual([...result.need].sort(), ids(there));
  assert.deepEqual([...result.have].sort(), ids(here));
  assert.ok(rounds.includes("reconciling"));
  assert.deepEqual(ids(result.events), ids(there));
  assert.equal(cache.events.size, made.length);

  // It leaves sending to its user.
  for (const id of result.have) await publish(cache.events.get(id).rawEvent());
  const again = await sync.sync(notes);
  assert.deepEqual([again.need.size, again.have.size], [0, 0]);
  assert.equal((await ndk.count([notes])).count, made.length);
});

test("an empty cache gets everything, and an empty server says so", async () => {
  cache.events.clear();
  const sync = new NDKSync(ndk);
  assert.equal((await sync.sync({ ...notes, until: oldest })).events.length, 100);
  const none = await sync.sync({ kinds: [7] });
  assert.deepEqual([none.events.length, none.need.size, none.have.size], [0, 0, 0]);
});

test("what is old comes by comparing and what is new by subscription", async () => {
  cache.events.clear();
  const heard = new Set();
  let done = false;
  const subscription = await new NDKSync(ndk).syncAndSubscribe({ ...notes, since: begin - 100 }, {
    onEvent: (event) => heard.add(event.content),
    onSyncComplete: () => (done = true),
  });
  await until("it is compared", () => done);
  await until("the old ones are told", () => heard.has("note 0") && heard.has("note 49"));
  await publish(alice.sign(1, "live"));
  await until("it comes", () => heard.has("live"));
  subscription.stop();
  assert.ok(contents([...cache.events.values()]).includes("note 3"));
});
