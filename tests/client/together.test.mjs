// One account, two ways: an unmodified Nostr library over the WebSocket, and the original's REST calls. Alice and bob have
// a server each; what the one does by the one way the other sees by the other.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, now } from "./people.mjs";
import { Server, until } from "./server.mjs";
import { byRest, bySocket, pool } from "./ways.mjs";

const [alice, bob] = [new Person(), new Person()];
const withoutSignature = ({ id, pubkey, created_at, kind, tags, content }) => ({ id, pubkey, created_at, kind, tags, content });
const sees = (way, person, event) =>
  until(`${event.content} arrives`, async () => {
    // A profile or follow list is asked for in the network as "the newest of its author".
    const ids = event.kind === 1 ? { ids: [event.id] } : {};
    const [found] = await way.query(person, { kinds: [event.kind], authors: [event.pubkey], ...ids });
    if (found?.id !== event.id) return false;
    assert.deepEqual(withoutSignature(found), withoutSignature(event));
    return true;
  });

before(async () => {
  alice.server = await Server.start(alice.key);
  bob.server = await Server.start(bob.key, { bootstrap: alice.server });
  for (const [from, to] of [[alice, bob], [bob, alice]]) {
    await until("the servers know each other", async () => {
      await bySocket.publish(from, from.sign(1, `hello at ${process.hrtime.bigint()}`));
      return (await bySocket.query(to, { kinds: [1], authors: [from.key] })).length > 0;
    });
  }
});
after(async () => {
  pool.destroy();
  assert.deepEqual([await alice.server?.stop(), await bob.server?.stop()], [0, 0]);
});

const status = async (person) => (await fetch(`${person.server.url}/status`)).json();
// A follow list stays with its author's server until somebody asks for it: a newer one is looked for there.
for (const [from, to, way, other, names] of [
  [alice, bob, bySocket, byRest, "socket, read by REST"],
  [bob, alice, byRest, bySocket, "REST, read by socket"],
]) {
  test(`a profile, a follow list and a post by ${names}`, async () => {
    for (const event of [
      from.sign(0, '{"name":"me"}'), from.sign(3, "", [["p", to.key, "", "friend"]]),
      from.sign(1, 'with "quotes", \n lines and 🦆', [["t", "ducks"], ["p", to.key]]),
    ]) {
      await way.publish(from, event);
      for (const [reader, person] of [[other, from], [way, from], [other, to], [way, to]]) await sees(reader, person, event);
    }
  });
}

test("who follows over the one and stops over the other does so for both servers", async () => {
  const counts = async () => [(await status(alice)).follows, (await status(bob)).followers];
  const becomes = (number) => until(`${number} follows`, async () => (await counts()).every((count) => count === number));
  await becomes(1);
  const none = alice.sign(3, "", [], now() + 2);
  await byRest.publish(alice, none);
  await sees(bySocket, alice, none);
  await becomes(0);
  const again = alice.sign(3, "", [["p", bob.key]], now() + 3);
  await bySocket.publish(alice, again);
  await sees(byRest, alice, again);
  await becomes(1);
});

test("a reply by REST to a post by socket comes live, and what is deleted by socket is gone from REST", async () => {
  const heard = [];
  const subscription = pool.subscribe([alice.server.relay], { "#p": [alice.key], since: now() - 1 }, { onevent: (event) => heard.push(event) });
  const note = alice.sign(1, "who is there?");
  await bySocket.publish(alice, note);
  await sees(byRest, bob, note);
  const reply = bob.sign(1, "me", [["e", note.id, "", "root"], ["p", alice.key]]);
  await byRest.publish(bob, reply);
  await until("it comes live", () => heard.some((event) => event.id === reply.id));
  subscription.close();
  await bySocket.publish(bob, bob.sign(5, "", [["e", reply.id]]));
  const filter = { kinds: [1], authors: [bob.key], ids: [reply.id] };
  for (const [way, person] of [[byRest, bob], [byRest, alice], [bySocket, alice]]) {
    await until("it is gone", async () => (await way.query(person, filter)).length === 0);
  }
});

test("what only its author's followers have is found by its id alone", async () => {
  await bySocket.publish(bob, bob.sign(3, "", [], now() + 3));
  await until("alice has no followers", async () => (await status(alice)).followers === 0);
  const article = alice.sign(30023, "long", [["d", "one"]]);
  await bySocket.publish(alice, article);
  assert.deepEqual(await bySocket.query(bob, { kinds: [30023] }), []);
  await until("it arrives", async () => (await bySocket.query(bob, { ids: [article.id] })).length === 1);
});
