// nostr-fetch: takes the whole past page by page, with until and limit.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NostrFetcher } from "nostr-fetch";
import { SimplePool } from "nostr-tools/pool";
import { Person, contents, now } from "./people.mjs";
import { Server } from "./server.mjs";

const [alice, carol] = [new Person(), new Person()];
const count = 700; // more than one answer may have
const start = now();
let server, fetcher, relays;

before(async () => {
  server = await Server.start(alice.key, { args: ["--writers", carol.npub] });
  relays = [server.relay];
  fetcher = NostrFetcher.init({ webSocketConstructor: WebSocket });
  const pool = new SimplePool();
  const events = Array.from({ length: count }, (_, i) => alice.sign(1, `note ${i}`, [["t", `${i % 7}`]], start - Math.floor(i / 3)));
  events.push(alice.sign(0, '{"name":"alice"}'), carol.sign(0, '{"name":"carol"}'), carol.sign(1, "carol's"));
  await Promise.all(events.flatMap((event) => pool.publish(relays, event)));
  pool.destroy();
});
after(async () => {
  fetcher.shutdown();
  assert.equal(await server.stop(), 0);
});

test("fetches all of an author, also several of one second, once each", async () => {
  const all = await fetcher.fetchAllEvents(relays, { kinds: [1], authors: [alice.key] }, {}, { sort: true });
  assert.equal(new Set(all.map((event) => event.id)).size, count);
  const times = all.map((event) => event.created_at);
  assert.deepEqual(times, [...times].sort((a, b) => b - a));
});

test("iterates over a range of time with a tag", async () => {
  const [since, until] = [start - 200, start - 100];
  let seen = 0;
  for await (const event of fetcher.allEventsIterator(relays, { kinds: [1], "#t": ["3"] }, { since, until })) {
    assert.ok(event.created_at >= since && event.created_at <= until && event.tags[0][1] === "3");
    ++seen;
  }
  assert.ok(seen >= 40 && seen <= 45, `${seen}`);
});

test("fetches the latest, of everybody and of each author", async () => {
  const latest = await fetcher.fetchLatestEvents(relays, { kinds: [1], authors: [alice.key] }, 6);
  assert.deepEqual(contents(latest), [0, 1, 2, 3, 4, 5].map((i) => `note ${i}`));
  assert.equal((await fetcher.fetchLastEvent(relays, { kinds: [0], authors: [carol.key] })).content, '{"name":"carol"}');
  const names = new Map();
  const authors = { authors: [alice.key, carol.key], relayUrls: relays };
  for await (const { author, event } of fetcher.fetchLastEventPerAuthor(authors, { kinds: [0] })) names.set(author, event.content);
  assert.deepEqual(names, new Map([[alice.key, '{"name":"alice"}'], [carol.key, '{"name":"carol"}']]));
});

test("fetches again after a restart of the server", async () => {
  assert.equal(await server.pause(), 0);
  await server.resume();
  const again = NostrFetcher.init({ webSocketConstructor: WebSocket });
  assert.equal((await again.fetchLatestEvents(relays, { kinds: [1] }, 300)).length, 300);
  again.shutdown();
});
