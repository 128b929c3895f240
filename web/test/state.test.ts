import assert from "node:assert/strict";
import { test } from "node:test";
import * as nip19 from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey, getPublicKey, verifyEvent } from "nostr-tools/pure";
import { History, type ServerStatus, sparkline } from "../src/net/status";
import { Wanted, hintedFilters, hintedKey } from "../src/net/wanted";
import type { Event } from "../src/nostr/event";
import { type ReadMark, markRead, notices, nothingRead, unreadCount } from "../src/state/inbox";
import { EventStore } from "../src/state/store";
import { type Extension, Vault, parseSecret } from "../src/state/vault";

const id = (digit: string) => digit.repeat(64);
const [A, B, C] = [id("a"), id("b"), id("c")];
let serial = 0;
const event = (changes: Partial<Event> = {}): Event => ({
  id: (++serial).toString(16).padStart(64, "0"), pubkey: A, created_at: 1000, kind: 1, tags: [], content: "", sig: "", ...changes,
});
const storeAt = (now = 2000, most?: number) => new EventStore(() => now, () => {}, (inside) => verifyEvent(inside), most);

test("of replaceable events the newest stays, in either order, the lower id at a tie", () => {
  for (const flip of [false, true]) {
    const store = storeAt();
    const [older, newer] = [event({ kind: 0, created_at: 1 }), event({ kind: 0, created_at: 2 })];
    for (const one of flip ? [newer, older] : [older, newer]) store.add(one);
    assert.equal(store.latest(0, A), newer);
    const [low, high] = [event({ kind: 3, id: id("1") }), event({ kind: 3, id: id("2") })];
    for (const one of flip ? [high, low] : [low, high]) store.add(one);
    assert.equal(store.latest(3, A), low);
    assert.equal(store.size, 2);
  }
});

test("a deletion takes its author's events only, also those that come later", () => {
  const store = storeAt();
  const [mine, other, late] = [event(), event({ pubkey: B }), event()];
  store.add(mine);
  store.add(other);
  store.add(event({ kind: 5, pubkey: B, tags: [["e", mine.id], ["e", late.id]] }));
  assert.ok(store.get(mine.id), "somebody else's word");
  store.add(event({ kind: 5, tags: [["e", mine.id], ["e", other.id], ["e", late.id]] }));
  assert.equal(store.get(mine.id), undefined);
  assert.ok(store.isDeleted(mine.id));
  assert.ok(store.get(other.id));
  assert.ok(!store.add(late));
  assert.ok(store.isDeleted(late.id));
});

test("what is expired is not taken", () => {
  assert.ok(!storeAt(2000).add(event({ tags: [["expiration", "2000"]] })));
  assert.ok(storeAt(2000).add(event({ tags: [["expiration", "2001"]] })));
});

test("numbers under a note count people", () => {
  const store = storeAt();
  store.owner = B;
  const target = event();
  store.add(target);
  const about = [["e", target.id], ["p", A]];
  for (const pubkey of [B, B, C]) store.add(event({ kind: 7, pubkey, content: "+", tags: about }));
  for (const pubkey of [B, B]) store.add(event({ kind: 6, pubkey, tags: about }));
  const reply = event({ pubkey: C, tags: [["e", target.id, "", "root"]] });
  store.add(reply);
  store.add(event({ pubkey: C, tags: [["q", target.id]] }));
  const { replies, reposts, quotes, reactions } = store.stats(target.id);
  assert.deepEqual([replies, reposts, quotes, reactions.length], [1, 1, 1, 2]);
  assert.equal(store.mine(target.id, "reactions").length, 2);
  assert.deepEqual(store.repliesTo(target.id), [reply]);
  store.add(event({ kind: 5, pubkey: C, tags: [["e", reply.id]] }));
  assert.equal(store.stats(target.id).replies, 0);
});

test("the note inside a repost is taken only if its own signature holds", () => {
  const secret = generateSecretKey();
  const real = finalizeEvent({ kind: 1, content: "true", tags: [], created_at: 5 }, secret);
  const wrap = (inside: Event) => event({ kind: 6, content: JSON.stringify(inside), tags: [["e", inside.id]] });
  const store = storeAt();
  store.add(wrap({ ...real, content: "forged" } as Event));
  assert.equal(store.get(real.id), undefined);
  store.add(wrap(JSON.parse(JSON.stringify(real)) as Event));
  assert.equal(store.get(real.id)?.content, "true");
});

test("the store is bounded, and the owner's events stay", () => {
  const store = storeAt(2000, 100);
  store.owner = A;
  const own = event({ created_at: 1 });
  store.add(own);
  for (let i = 0; i < 300; ++i) store.add(event({ pubkey: B, created_at: 10 + i }));
  assert.ok(store.size <= 100);
  assert.ok(store.get(own.id));
  assert.equal(store.all(() => true)[0]!.created_at, 309);
});

test("notifications: why, grouped, unread, read", () => {
  const mine = event({ pubkey: A });
  const isMine = (one: string) => one === mine.id;
  const about = [["e", mine.id], ["p", A]];
  const list = [
    event({ pubkey: B, created_at: 10, tags: [["e", mine.id, "", "root"], ["p", A]] }),
    event({ pubkey: B, created_at: 11, tags: [["p", A]] }),
    event({ pubkey: B, created_at: 12, tags: [["q", mine.id], ["p", A]] }),
    event({ pubkey: B, created_at: 13, kind: 7, content: "+", tags: about }),
    event({ pubkey: C, created_at: 14, kind: 7, content: "+", tags: about }),
    event({ pubkey: C, created_at: 15, kind: 6, tags: about }),
    event({ pubkey: C, created_at: 16, kind: 3, tags: [["p", A]] }),
    event({ pubkey: A, created_at: 17, kind: 7, tags: about }),
    event({ pubkey: B, created_at: 18, tags: [["p", C]] }),
  ];
  const found = notices(list, A, isMine, nothingRead);
  assert.deepEqual(found.map(({ reason }) => reason), ["follow", "repost", "reaction", "quote", "mention", "reply"]);
  assert.equal(found[2]!.events.length, 2);
  assert.equal(unreadCount(found), 6);
  const mark: ReadMark = markRead(nothingRead, found, 100 * 86_400);
  assert.equal(unreadCount(notices(list, A, isMine, mark)), 0);
  const again = event({ pubkey: C, created_at: 99 * 86_400, kind: 3, tags: [["p", A], ["p", B]] });
  assert.equal(unreadCount(notices([...list.filter(({ kind }) => kind !== 3), again], A, isMine, mark)), 0, "a longer list is no news");
  const late = event({ pubkey: B, created_at: 98 * 86_400, tags: [["p", A]] });
  assert.equal(unreadCount(notices([...list, late], A, isMine, mark)), 1, "it travelled for two days");
});

const memory = () => {
  const map = new Map<string, string>();
  return { map, getItem: (key: string) => map.get(key) ?? null, setItem: (key: string, value: string) => void map.set(key, value), removeItem: (key: string) => void map.delete(key) };
};

test("a key lies encrypted in storage, and opens with its password only", async () => {
  const storage = memory();
  const secret = generateSecretKey();
  const vault = new Vault(storage, () => undefined, 4);
  assert.throws(() => vault.useKey(secret, "short"), /at least 8/);
  vault.useKey(Uint8Array.from(secret), "long enough");
  const kept = [...storage.map.values()].join();
  assert.match(kept, /ncryptsec1/);
  assert.ok(!kept.includes(nip19.nsecEncode(secret)) && !kept.includes(Buffer.from(secret).toString("hex")));
  const again = new Vault(storage, () => undefined, 4); // as after a reload
  assert.equal(again.account?.pubkey, getPublicKey(secret));
  assert.ok(again.locked);
  const draft = { kind: 1, content: "x", tags: [], created_at: 5 };
  await assert.rejects(again.sign(draft), /locked/);
  assert.throws(() => again.unlock("wrong password"), /does not open/);
  again.unlock("long enough");
  assert.ok(verifyEvent((await again.sign(draft)) as never));
  assert.equal(again.nsec(), nip19.nsecEncode(secret));
  again.lock();
  assert.equal(again.nsec(), undefined);
  again.forget();
  assert.equal(storage.map.size, 0);
  const other = new Vault(memory(), () => undefined, 4);
  assert.equal(other.useEncrypted((JSON.parse(kept) as { ncryptsec: string }).ncryptsec, "long enough").pubkey, getPublicKey(secret));
});

test("secrets in every form, and what is none", () => {
  const secret = generateSecretKey();
  assert.deepEqual(parseSecret(` ${nip19.nsecEncode(secret)}\n`), secret);
  assert.deepEqual(parseSecret(Buffer.from(secret).toString("hex").toUpperCase()), secret);
  for (const bad of ["", "nsec1x", nip19.npubEncode(A), "0".repeat(64), "f".repeat(64)]) assert.throws(() => parseSecret(bad), /secret key/);
});

test("an extension signs, and is not believed with another key", async () => {
  const secret = generateSecretKey();
  let signing = secret;
  const extension: Extension = {
    getPublicKey: () => Promise.resolve(getPublicKey(secret)),
    signEvent: (draft) => Promise.resolve(finalizeEvent(draft, signing) as Event),
  };
  const vault = new Vault(memory(), () => extension);
  await vault.useExtension();
  const draft = { kind: 1, content: "x", tags: [], created_at: 5 };
  assert.equal((await vault.sign(draft)).pubkey, getPublicKey(secret));
  signing = generateSecretKey();
  await assert.rejects(vault.sign(draft), /another key/);
  await assert.rejects(new Vault(memory(), () => undefined).useExtension(), /no extension/);
});

test("rates from counters, also when the server started anew", () => {
  const history = new History(3);
  const status = (bytesIn: number, stored = 1) =>
    ({ links: { wire_bytes_in: bytesIn, wire_bytes_out: 0 }, stored_events: stored, neighbours: [{ established: true }, { established: false }] }) as unknown as ServerStatus;
  history.add(status(1000), 10);
  assert.equal(history.samples.length, 0);
  history.add(status(1400), 12);
  assert.deepEqual([history.samples[0]!.in, history.samples[0]!.neighbours], [200, 1]);
  history.add(status(100), 14);
  assert.equal(history.samples[1]!.in, 50);
  for (let at = 16; at < 30; at += 2) history.add(status(100), at);
  assert.equal(history.samples.length, 3);
  assert.equal(sparkline([0, 5, 10], 100, 10), "0.0,10.0 50.0,5.0 100.0,0.0");
  assert.equal(sparkline([10], 100, 10, 3), "100.0,0.0");
});

test("single wishes are asked for together, and only the newest are kept", () => {
  const asked: string[][] = [];
  const closed: number[] = [];
  let run: (() => void)[] = [];
  const wanted = new Wanted((keys) => [{ authors: keys }], ([filter]) => (asked.push(filter!.authors!), () => closed.push(1)), (_, what) => run.push(what), 3);
  for (const key of ["a", "b", "a"]) wanted.want(key);
  assert.equal(run.length, 1);
  run.splice(0).forEach((what) => what());
  for (const key of ["c", "d"]) wanted.want(key);
  run.splice(0).forEach((what) => what());
  assert.deepEqual(asked, [["a", "b"], ["b", "c", "d"]]);
  assert.equal(closed.length, 1);
});

test("an event is wanted by its id, and once more of whom it is said to be", () => {
  assert.deepEqual(hintedFilters([hintedKey({ id: A })]), [{ ids: [A] }]);
  const keys = [{ id: A, author: C }, { id: B }, { id: B, author: C }, { id: C, author: A }].map(hintedKey);
  assert.deepEqual(hintedFilters(keys), [{ ids: [A, B, C] }, { ids: [A, B], authors: [C] }, { ids: [C], authors: [A] }]);
  assert.deepEqual(hintedFilters(keys, 1), [{ ids: [A, B, C] }, { ids: [C], authors: [A] }]);
});
