// nostr-wasm signs and verifies with libsecp256k1, what others do in JavaScript: the server and it must agree.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { initNostrWasm } from "nostr-wasm";
import { SimplePool } from "nostr-tools/pool";
import { plain } from "./people.mjs";
import { Server } from "./server.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
let wasm, secret, key, server, pool;

before(async () => {
  wasm = await initNostrWasm();
  secret = wasm.generateSecretKey();
  key = hex(wasm.getPublicKey(secret));
  server = await Server.start(key);
  pool = new SimplePool();
});
after(async () => {
  pool?.destroy();
  assert.equal(await server.stop(), 0);
});

function sign(kind, content, tags = []) {
  const event = { kind, content, tags, created_at: Math.floor(Date.now() / 1000) };
  wasm.finalizeEvent(event, secret);
  return event;
}

test("what it signs is taken, and what the server answers is verified by it", async () => {
  const events = [
    sign(0, '{"name":"wasm"}'), sign(3, "", [["p", key]]), sign(1, "plain"), sign(1, ""),
    sign(1, 'quote " backslash \\ newline \n tab \t umlaut ü duck 🦆 del \x7f zero \x00 bell \x07'),
    sign(30023, "# article", [["d", "a/b"], ["title", "tags \u2028 with \u0001 everything"]]),
  ];
  for (const event of events) await Promise.all(pool.publish([server.relay], event));
  const found = await pool.querySync([server.relay], { authors: [key] });
  assert.equal(found.length, events.length);
  for (const event of found) {
    wasm.verifyEvent(event); // throws
    assert.deepEqual(plain(event), plain(events.find((one) => one.id === event.id)));
  }
});

test("what it finds wrong the server refuses", async () => {
  for (const change of [{ content: "other" }, { sig: "1".repeat(128) }, { id: "1".repeat(64) }, { kind: 6 }, { tags: [["t", "x"]] }]) {
    const forged = { ...sign(1, "honest"), ...change };
    assert.throws(() => wasm.verifyEvent(forged));
    await assert.rejects(Promise.all(pool.publish([server.relay], forged)), /invalid: /);
  }
});
