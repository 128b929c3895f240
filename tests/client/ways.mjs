// The two ways to a server that somebody with a key has: an unmodified Nostr library over the WebSocket, and the original's
// REST calls. A person has a `server` with `relay` and `url`.
import assert from "node:assert/strict";
import { decode } from "@msgpack/msgpack";
import { SimplePool } from "nostr-tools/pool";

export const pool = new SimplePool();

const post = (person, path, body) =>
  fetch(person.server.url + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const text = (bytes) => Buffer.from(bytes).toString();

export const bySocket = {
  publish: (person, event) => Promise.all(pool.publish([person.server.relay], event)),
  query: (person, filter) => pool.querySync([person.server.relay], filter),
};
export const byRest = {
  async publish(person, event) {
    const answer = await post(person, "/publish", event);
    assert.deepEqual([answer.status, await answer.json()], [200, { Status: "SUCCESS" }]);
  },
  async query(person, filter) {
    const answer = await post(person, "/req", filter);
    assert.equal(answer.status, 200);
    return decode(new Uint8Array(await answer.arrayBuffer())).Evts.map((event) => ({
      id: hex(event.Id),
      pubkey: hex(event.Pubkey),
      created_at: event.Created_at,
      kind: event.Kind,
      tags: event.Tags.map((tag) => tag.map(text)),
      content: event.Content,
    }));
  },
};
