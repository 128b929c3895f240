// permessage-deflate (RFC 7692), with the WebSockets of ws.
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Person } from "./people.mjs";
import { Server, until } from "./server.mjs";

const alice = new Person();
let server;
before(async () => (server = await Server.start(alice.key)));
after(async () => assert.equal(await server?.stop(), 0));

class Client {
  heard = [];
  constructor(options) {
    this.socket = new WebSocket(server.relay, options);
    this.socket.on("message", (data) => this.heard.push(JSON.parse(data.toString())));
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.on("error", () => {});
    this.socket.once("upgrade", (answer) => (this.agreed = answer.headers["sec-websocket-extensions"]));
    this.opened = new Promise((resolve) => this.socket.once("open", resolve));
  }
  say(...message) {
    this.socket.send(JSON.stringify(message));
  }
  answer(type, name) {
    return until(`${type} ${name}`, () => this.heard.find((one) => one[0] === type && one[1] === name));
  }
  async everything(name) {
    this.say("REQ", name, { kinds: [1] });
    await this.answer("EOSE", name);
    return this.heard.filter((one) => one[0] === "EVENT" && one[1] === name).map((one) => one[2]);
  }
  // What came in, on the wire.
  get bytes() {
    return this.socket._socket.bytesRead;
  }
}

test("who offers it gets it, and the events are the same", async () => {
  const plain = new Client({ perMessageDeflate: false });
  const packed = new Client({ perMessageDeflate: { threshold: 0 } });
  await Promise.all([plain.opened, packed.opened]);
  assert.equal(plain.agreed, undefined);
  assert.match(packed.agreed, /^permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12/);
  const notes = [];
  for (let i = 0; i < 30; ++i) {
    notes.push(alice.sign(1, `post ${i} with "quotes", umlauts äöü and 🦆 ${"and words again ".repeat(i * i)}`, [["t", "ducks"]]));
    packed.say("EVENT", notes.at(-1));
  }
  for (const note of notes) assert.equal((await packed.answer("OK", note.id))[2], true);
  const before = [plain.bytes, packed.bytes];
  const [all, same] = [await plain.everything("a"), await packed.everything("a")];
  const byId = (one, other) => (one.id < other.id ? -1 : 1);
  assert.deepEqual(all.sort(byId), notes.sort(byId));
  assert.deepEqual(same.sort(byId), all);
  const [took, tookPacked] = [plain.bytes - before[0], packed.bytes - before[1]];
  assert.ok(tookPacked < took / 3, `${tookPacked} of ${took} bytes`);
  // Live, both ways.
  const live = alice.sign(1, "live");
  packed.say("EVENT", live);
  for (const client of [plain, packed]) {
    await until("it comes live", () => client.heard.some((one) => one[0] === "EVENT" && one[2].id === live.id));
    client.socket.close();
  }
});

test("a bomb is measured as it is when expanded", async () => {
  const bomber = new Client({ perMessageDeflate: true });
  await bomber.opened;
  bomber.socket.send(" ".repeat(50_000_000)); // 50 kB on the wire
  assert.equal(await bomber.closed, 1009);
  const large = new Client({ perMessageDeflate: true });
  await large.opened;
  large.say("REQ", "s", { kinds: [1], limit: 1, "#t": ["x".repeat(300_000)] });
  await large.answer("EOSE", "s");
  large.socket.close();
});

test("what is no compressed message ends the connection and nothing else", async () => {
  const wrong = new Client({ perMessageDeflate: true });
  await wrong.opened;
  wrong.socket._socket.write(Buffer.from([0xc1, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])); // RSV1, and no deflate
  await wrong.closed;
  const next = new Client({ perMessageDeflate: true });
  await next.opened;
  assert.ok((await next.everything("again")).length > 0);
  next.socket.close();
});
