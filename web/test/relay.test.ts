import assert from "node:assert/strict";
import { test } from "node:test";
import { type Link, Relay, type Socket } from "../src/net/relay";
import type { Event } from "../src/nostr/event";

const event = (digit: string, created_at = 1000): Event => ({
  id: digit.repeat(64), pubkey: "a".repeat(64), created_at, kind: 1, tags: [], content: "", sig: "",
});

// A world with its own clock: sockets open by hand, timers run when the time is moved.
class World {
  now = 1_000_000_000;
  sockets: FakeSocket[] = [];
  links: Link[] = [];
  signed: string[] = [];
  signer: Event | undefined = event("f");
  private timers: { at: number; what: () => void }[] = [];
  relay = new Relay({
    open: () => {
      const socket = new FakeSocket();
      this.sockets.push(socket);
      return socket;
    },
    now: () => this.now,
    random: () => 1,
    after: (ms, what) => {
      const timer = { at: this.now + ms, what };
      this.timers.push(timer);
      return () => (this.timers = this.timers.filter((other) => other !== timer));
    },
    link: (link) => this.links.push(link),
    sign: (challenge) => {
      this.signed.push(challenge);
      return Promise.resolve(this.signer);
    },
  });
  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }
  get state(): string {
    return this.links[this.links.length - 1]!.state;
  }
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.what();
    }
    this.now = until;
  }
}
class FakeSocket implements Socket {
  sent: unknown[][] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as unknown[]);
  }
  close(): void {
    this.onclose?.();
  }
  open(): void {
    this.onopen?.();
  }
  says(...message: unknown[]): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  take(): unknown[][] {
    return this.sent.splice(0);
  }
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("what is wanted before the connection is asked once it is there", () => {
  const world = new World();
  const got: string[] = [];
  world.relay.subscribe([{ kinds: [1], limit: 5 }], { event: ({ id }) => got.push(id[0]!) });
  world.relay.start();
  assert.equal(world.state, "connecting");
  world.socket.open();
  assert.deepEqual(world.socket.take(), [["REQ", "s1", { kinds: [1], limit: 5 }]]);
  world.socket.says("EVENT", "s1", event("1"));
  world.socket.says("EVENT", "s2", event("2"));
  world.socket.says("EVENT", "s1", { id: "no event" });
  world.socket.onmessage?.({ data: "no json" });
  assert.deepEqual(got, ["1"]);
});

test("it comes back with growing patience, at once when told, and asks for what it missed", () => {
  const world = new World();
  const close = world.relay.subscribe([{ kinds: [1], limit: 5 }, { ids: ["x"] }], { event: () => {} });
  world.relay.start();
  world.socket.open();
  world.socket.says("EOSE", "s1");
  world.socket.take();
  world.socket.onclose?.();
  const delays: number[] = [];
  for (let round = 0; round < 9; ++round) {
    assert.equal(world.state, "waiting");
    const { retryAt } = world.links[world.links.length - 1]!;
    delays.push(retryAt - world.now);
    world.pass(retryAt - world.now);
    world.socket.onclose?.();
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  const attempts = world.sockets.length;
  world.relay.hurry();
  assert.equal(world.sockets.length, attempts + 1);
  world.socket.open();
  const lostAt = 1_000_000_000 / 1000;
  assert.deepEqual(world.socket.take(), [["REQ", "s1", { kinds: [1], limit: 500, since: lostAt - 86_400 }, { ids: ["x"] }]]);
  world.socket.says("EOSE", "s1");
  close();
  assert.deepEqual(world.socket.take(), [["CLOSE", "s1"]]);
});

test("an open that never comes is given up", () => {
  const world = new World();
  world.relay.start();
  world.pass(10_000);
  assert.equal(world.state, "waiting");
});

test("publishing ends with the server's word, survives a break, and does not wait for ever", async () => {
  const world = new World();
  world.relay.start();
  const outcome = world.relay.publish(event("1"));
  world.socket.open();
  assert.deepEqual(world.socket.take(), [["EVENT", event("1")]]);
  world.socket.onclose?.();
  world.pass(500);
  world.socket.open();
  assert.deepEqual(world.socket.take(), [["EVENT", event("1")]], "sent again");
  world.socket.says("OK", event("1").id, false, "blocked: not the owner");
  assert.deepEqual(await outcome, { ok: false, reason: "blocked: not the owner" });
  const unanswered = world.relay.publish(event("2"));
  world.pass(20_000);
  assert.deepEqual(await unanswered, { ok: false, reason: "your server gives no answer" });
});

test("a query ends with EOSE, with a refusal, or in time", async () => {
  const world = new World();
  world.relay.start();
  world.socket.open();
  const answered = world.relay.query([{ ids: ["x"] }]);
  world.socket.says("EVENT", "s1", event("1"));
  world.socket.says("EOSE", "s1");
  assert.deepEqual((await answered).map(({ id }) => id[0]), ["1"]);
  const refused = world.relay.query([{ ids: ["x"] }]);
  world.socket.says("CLOSED", "s2", "invalid: no");
  await assert.rejects(refused, /invalid: no/);
  const slow = world.relay.query([{ ids: ["x"] }]);
  world.pass(8000);
  assert.deepEqual(await slow, []);
  assert.deepEqual(world.socket.take().map(([type, id]) => [type, id]), [
    ["REQ", "s1"], ["CLOSE", "s1"], ["REQ", "s2"], ["CLOSE", "s2"], ["REQ", "s3"], ["CLOSE", "s3"],
  ]);
});

test("who must say who they are does so once, and what was refused is asked again", async () => {
  const world = new World();
  world.relay.start();
  const refusals: string[] = [];
  for (const kind of [1, 2]) world.relay.subscribe([{ kinds: [kind] }], { event: () => {}, closed: (reason) => refusals.push(reason) });
  world.socket.open();
  world.socket.says("AUTH", "riddle");
  world.socket.take();
  const outcome = world.relay.publish(event("1"));
  world.socket.says("CLOSED", "s1", "auth-required: who?");
  world.socket.says("CLOSED", "s2", "auth-required: who?");
  world.socket.says("OK", event("1").id, false, "auth-required: who?");
  await settled();
  assert.deepEqual(world.signed, ["riddle"]);
  assert.deepEqual(world.socket.take(), [["EVENT", event("1")], ["AUTH", event("f")]]);
  world.socket.says("OK", event("f").id, true, "");
  await settled();
  await settled();
  assert.deepEqual(world.socket.take(), [["REQ", "s1", { kinds: [1] }], ["REQ", "s2", { kinds: [2] }], ["EVENT", event("1")]]);
  world.socket.says("OK", event("1").id, true, "");
  assert.deepEqual(await outcome, { ok: true, reason: "" });
  world.socket.says("CLOSED", "s1", "auth-required: not you");
  await settled();
  assert.deepEqual(refusals, ["auth-required: not you"]);
});

test("whoever signs in later gets a new connection, at once, and is asked then", async () => {
  const world = new World();
  world.signer = undefined;
  world.relay.start();
  const refusals: string[] = [];
  world.relay.subscribe([{ kinds: [1] }], { event: () => {}, closed: (reason) => refusals.push(reason) });
  world.socket.open();
  world.socket.says("AUTH", "riddle");
  world.socket.says("CLOSED", "s1", "auth-required: who?");
  await settled();
  assert.deepEqual(refusals, ["auth-required: who?"]);
  world.signer = event("f");
  world.relay.reconnect();
  world.pass(0);
  assert.equal(world.sockets.length, 2);
  world.socket.open();
  world.socket.says("AUTH", "another");
  world.socket.says("CLOSED", "s1", "auth-required: who?");
  await settled();
  assert.deepEqual(world.signed, ["riddle", "another"]);
  assert.deepEqual(world.socket.take().map(([type]) => type), ["REQ", "AUTH"]);
});
