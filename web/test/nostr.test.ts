import assert from "node:assert/strict";
import { test } from "node:test";
import * as nip19 from "nostr-tools/nip19";
import { bindDraft, bindOf, bindState } from "../src/nostr/bind";
import { changeFollows, dated, followed, hashtags, namedIn, note, pubkeyOf, reaction, repost, spellMentions } from "../src/nostr/compose";
import { type Event, authorOf, inner, isEvent, isExpired, quoteOf, seat, targetOf, threadOf } from "../src/nostr/event";
import { inPieces, matches } from "../src/nostr/filter";
import { changeProfile, mentionAt, profileOf, suggest } from "../src/nostr/profile";
import { tokens } from "../src/nostr/text";
import { ago, bytes, count, lasting, refusal } from "../src/nostr/words";

const id = (digit: string) => digit.repeat(64);
const [A, B, C] = [id("a"), id("b"), id("c")];
const event = (changes: Partial<Event> = {}): Event => ({
  id: id("1"), pubkey: A, created_at: 1000, kind: 1, tags: [], content: "", sig: "", ...changes,
});

test("only what has the form of an event is one", () => {
  assert.ok(isEvent(event()));
  for (const bad of [null, 1, {}, event({ id: "A".repeat(64) }), { ...event(), tags: [[1]] }, { ...event(), created_at: 1.5 }]) {
    assert.ok(!isEvent(bad), JSON.stringify(bad));
  }
});

test("a thread is told by markers, else by position, and mentions are no parents", () => {
  assert.deepEqual(threadOf(event({ tags: [["e", id("2"), "", "root"], ["e", id("3"), "", "reply"]] })), { root: id("2"), parent: id("3") });
  assert.deepEqual(threadOf(event({ tags: [["e", id("2"), "", "root"]] })), { root: id("2"), parent: id("2") });
  assert.deepEqual(threadOf(event({ tags: [["e", id("2")], ["e", id("3")]] })), { root: id("2"), parent: id("3") });
  assert.deepEqual(threadOf(event({ tags: [["e", id("2"), "", "mention"], ["p", A]] })), {});
  assert.deepEqual(threadOf(event({ kind: 7, tags: [["e", id("2")]] })), {});
});

test("replies carry root and parent and name everybody of the parent", () => {
  const parent = event({ id: id("3"), pubkey: B, tags: [["e", id("2"), "", "root"], ["p", C]] });
  const reply = note("yes", [], { replyTo: parent });
  assert.deepEqual(reply.tags, [["e", id("2"), "", "root"], ["e", id("3"), "", "reply", B], ["p", B], ["p", C]]);
  const first = note("yes", [], { replyTo: event({ id: id("2"), pubkey: B }) });
  assert.deepEqual(first.tags, [["e", id("2"), "", "root", B], ["p", B]]);
});

test("a quote has a q tag, the code in its text, and names the author", () => {
  const quote = note("look", [], { quote: event({ id: id("4"), pubkey: B }) });
  assert.deepEqual(quote.tags, [["q", id("4"), "", B], ["p", B]]);
  assert.match(quote.content, /^look\n\nnostr:nevent1/);
  assert.equal(quoteOf({ ...event(), ...quote, created_at: 0 }), id("4"));
});

test("mentions become codes, the longest name first, whole names only", () => {
  const mentions = [{ name: "ann", pubkey: A }, { name: "anna k", pubkey: B }];
  const npub = (key: string) => `nostr:${nip19.npubEncode(key)}`;
  assert.equal(spellMentions("hi @anna k and @ann, not @annx", mentions).content, `hi ${npub(B)} and ${npub(A)}, not @annx`);
  const draft = note("@ann #Tea and #tea", mentions);
  assert.deepEqual(draft.tags, [["p", A], ["t", "tea"]]);
  assert.deepEqual(namedIn(draft.content), [A]);
  assert.deepEqual(hashtags("a#b (#c) #d"), ["c", "d"]);
});

test("reactions and reposts say what they are about", () => {
  const target = event({ id: id("5"), pubkey: B });
  const like = { ...event(), ...reaction(target), created_at: 1 };
  assert.equal(targetOf(like), id("5"));
  assert.deepEqual(like.tags, [["e", id("5"), "", B], ["p", B], ["k", "1"]]);
  const pass = { ...event(), ...repost(target), created_at: 1 };
  assert.equal(pass.kind, 6);
  assert.equal(inner(pass)?.id, id("5"));
  assert.equal(repost(event({ kind: 30023 })).kind, 16);
  assert.equal(repost(event({ tags: [["-"]] })).content, "", "a protected event is not copied");
  assert.equal(inner({ ...pass, content: JSON.stringify(event({ id: id("6") })) }), undefined, "another note inside");
  assert.equal(inner({ ...pass, content: "{" }), undefined);
});

test("a follow list never loses what it has", () => {
  const base = event({ kind: 3, created_at: 5000, content: "{relays}", tags: [["p", A, "wss://r", "ann"], ["x", "kept"], ["p", B], ["p", A]] });
  const more = changeFollows(base, C, true);
  assert.deepEqual(more.tags, [...base.tags, ["p", C]]);
  assert.equal(more.content, "{relays}");
  assert.deepEqual(changeFollows(base, B, true).tags, base.tags, "already there");
  assert.deepEqual(changeFollows(base, A, false).tags, [["x", "kept"], ["p", B]]);
  assert.deepEqual(followed(base), [A, B]);
  assert.equal(dated(more, 100, base).created_at, 5001, "newer than what it replaces, whatever the clock says");
  assert.equal(dated(more, 9000, base).created_at, 9000);
});

test("profiles keep fields that nobody here knows, and names are one line", () => {
  const base = event({ kind: 0, content: JSON.stringify({ name: "x", lud16: "a@b", about: "y" }) });
  assert.deepEqual(JSON.parse(changeProfile(base, { name: "z", about: "" }).content), { name: "z", lud16: "a@b" });
  assert.equal(profileOf(event({ content: '{"name":"a\\nb\\u202e"}' })).name, "a b");
  assert.equal(profileOf(event({ content: '{"name":5,"display_name":"D"}' })).name, "D");
  for (const content of ["", "[]", "null", "{", '"x"']) assert.equal(profileOf(event({ content })).name, "");
});

test("whom an @ may mean", () => {
  assert.deepEqual(mentionAt("hello @bo", 9), { start: 6, prefix: "bo" });
  assert.equal(mentionAt("mail a@bo", 9), undefined);
  assert.equal(mentionAt("@bo x", 5), undefined);
  const known = [
    { pubkey: A, name: "Bob", followed: false },
    { pubkey: B, name: "Jim Bo", followed: true },
    { pubkey: C, name: "bosse", followed: true },
  ];
  assert.deepEqual(suggest("bo", known).map(({ name }) => name), ["bosse", "Bob", "Jim Bo"]);
  assert.deepEqual(suggest("zz", known), []);
});

test("text is cut into tokens, and nothing of it is markup or a script", () => {
  const npub = nip19.npubEncode(A);
  const found = tokens(event({ content: `see https://a.example/b.png, (http://x.example/(y)) nostr:${npub} #tag <b>no</b> javascript:alert(1)` }));
  assert.deepEqual(found.map((token) => token.type), ["text", "link", "text", "link", "text", "profile", "text", "tag", "text"]);
  assert.equal(found[1]!.type === "link" && found[1]!.href, "https://a.example/b.png");
  assert.ok(found[1]!.type === "link" && found[1]!.picture);
  assert.equal(found[3]!.type === "link" && found[3]!.text, "http://x.example/(y)");
  assert.equal(found[8]!.type === "text" && found[8]!.text, " <b>no</b> javascript:alert(1)");
  assert.deepEqual(tokens(event({ content: "nostr:npub1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq" })).map(({ type }) => type), ["text"], "a wrong checksum");
  assert.deepEqual(tokens(event({ content: "#[0] #[7]", tags: [["p", B]] })), [{ type: "profile", pubkey: B }, { type: "text", text: " #[7]" }]);
});

test("codes of people", () => {
  assert.equal(pubkeyOf(nip19.npubEncode(A)), A);
  assert.equal(pubkeyOf(`nostr:${nip19.nprofileEncode({ pubkey: B })}`), B);
  assert.equal(pubkeyOf(C), C);
  assert.equal(pubkeyOf("npub1x"), undefined);
});

test("filters", () => {
  const found = event({ tags: [["p", B]], content: "Green tea" });
  assert.ok(matches({ kinds: [1], authors: [A], "#p": [B], since: 1000, until: 1000 }, found));
  for (const filter of [{ kinds: [] }, { ids: [] }, { "#p": [C] }, { since: 1001 }, { until: 999 }, { search: "coffee" }]) {
    assert.ok(!matches(filter, found), JSON.stringify(filter));
  }
  assert.ok(matches({ search: "tea green" }, found));
  const pieces = inPieces({ kinds: [1], authors: Array.from({ length: 2050 }, (_, i) => String(i)) });
  assert.deepEqual(pieces.map(({ authors }) => authors!.length), [1000, 1000, 50]);
});

test("seats and expiry", () => {
  assert.equal(seat(event({ kind: 0 })), `0:${A}:`);
  assert.equal(seat(event({ kind: 30001, tags: [["d", "x"]] })), `30001:${A}:x`);
  assert.equal(seat(event({ kind: 30001 })), `30001:${A}:`);
  assert.equal(seat(event()), undefined);
  assert.ok(isExpired(event({ tags: [["expiration", "10"]] }), 10));
  assert.ok(!isExpired(event({ tags: [["expiration", "soon"]] }), 10));
});

test("BIND: the next epoch, and what the newest one says", () => {
  const draft = bindDraft(B, [3, 7], 1000);
  assert.deepEqual(draft.tags, [["node", B], ["epoch", "8"], ["expires", String(1000 + 90 * 86_400)]]);
  const bind = bindOf(event({ ...draft, kind: 10848, created_at: 1000 }))!;
  assert.equal(bindState(B, bind, 1000), "good");
  assert.equal(bindState(B, bind, bind.expires - 29 * 86_400), "ends soon");
  assert.equal(bindState(B, bind, bind.expires), "ended");
  assert.equal(bindState(C, bind, 1000), "elsewhere");
  assert.equal(bindState(B, { epoch: 9, expires: 5000 }, 1000), "revoked");
  assert.equal(bindState(B, undefined, 1000), "none");
  for (const tags of [[["epoch", "1"]], [["node", "X"], ["epoch", "1"], ["expires", "9"]], [["epoch", "01"], ["expires", "9"]]]) {
    assert.equal(bindOf(event({ kind: 10848, tags })), undefined, JSON.stringify(tags));
  }
});

test("words", () => {
  assert.deepEqual([ago(990, 1000), ago(0, 120), ago(0, 7200), ago(0, 3 * 86_400)], ["now", "2 min", "2 h", "3 d"]);
  assert.deepEqual([bytes(12), bytes(1536), bytes(150 * 1024)], ["12 B", "1.5 KiB", "150 KiB"]);
  assert.deepEqual([count(999), count(1234), count(12_345)], ["999", "1.2k", "12k"]);
  assert.deepEqual([lasting(59), lasting(3660), lasting(90 * 86_400)], ["59 s", "1 h 1 min", "90 days"]);
  assert.equal(refusal("blocked: this server publishes for its owner"), "This server publishes for its owner.");
  assert.equal(refusal(""), "No reason given.");
});

test("who wrote what a tag names", () => {
  const tags = [["e", A, "", "root"], ["e", A, "wss://x", "reply", B], ["q", B, "", C], ["p", A], ["e", C, "", "reply", "bob"]];
  assert.equal(authorOf({ tags }, A), B);
  assert.equal(authorOf({ tags }, B), C);
  assert.equal(authorOf({ tags }, C), undefined);
  assert.equal(authorOf({ tags }, undefined), undefined);
});
