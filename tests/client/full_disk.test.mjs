// A disk that is full, which here is a small file system in memory in a namespace of its own: whoever publishes is told so
// soon, what was acknowledged stays, and once there is room again all goes on.
import "./globals.mjs";
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Person } from "./people.mjs";
import { Server, until } from "./server.mjs";

if (!process.env.NOSTRP2P_SMALL_DISK) {
  const directory = mkdtempSync(join(tmpdir(), "nostrp2p-disk-"));
  const enter = `mount -t tmpfs -o size=4m tmpfs "${directory}" && exec "$@"`;
  const inside = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status, error } = spawnSync("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", enter, "sh", ...inside], {
    stdio: "inherit",
    env: { ...process.env, NOSTRP2P_SMALL_DISK: directory },
  });
  rmSync(directory, { recursive: true, force: true });
  if (error) console.error(`unshare (util-linux) is not there: ${error.message}`);
  process.exit(status ?? 1);
}
const disk = process.env.NOSTRP2P_SMALL_DISK;
const filler = join(disk, "filler");
const fill = () => {
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
    } catch (failure) {
      assert.equal(failure.code, "ENOSPC");
    }
  }
};

test("who publishes on a full disk is told so, by either way, and what was acknowledged stays", async () => {
  const alice = new Person();
  const server = await Server.start(alice.key, { args: ["--data-dir", join(disk, "data")] });
  const post = (event) =>
    fetch(`${server.url}/publish`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(event) });
  const kept = async () => (await (await fetch(`${server.url}/status`)).json()).stored_events;
  const before = alice.sign(1, "before");
  assert.equal((await post(before)).status, 200);
  const socket = new WebSocket(server.relay);
  const heard = [];
  socket.onmessage = ({ data }) => heard.push(JSON.parse(data));
  await new Promise((resolve) => (socket.onopen = resolve));

  fill();
  const large = (name) => alice.sign(1, `${name} ${"x".repeat(60_000)}`);
  const [byRest, bySocket] = [large("rest"), large("socket")];
  socket.send(JSON.stringify(["EVENT", bySocket]));
  const answer = await post(byRest);
  assert.equal(answer.status, 507);
  assert.match((await answer.json()).Error, /^the disk fails/);
  const [, , taken, why] = await until("an answer by socket", () => heard.find(([type, id]) => type === "OK" && id === bySocket.id));
  assert.equal(taken, false);
  assert.match(why, /^error: the disk fails/);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 503);
  assert.equal((await post(byRest)).status, 507, "again, while it fails");

  rmSync(filler);
  await until("the disk works again", async () => (await fetch(`${server.url}/healthz`)).status === 200);
  for (const event of [byRest, bySocket]) await until("it is taken now", async () => (await post(event)).status === 200);
  socket.close();
  assert.equal(await server.pause("SIGKILL"), null);
  await server.resume();
  assert.equal(await kept(), 3, "what was acknowledged");
  assert.equal(await server.stop(), 0);
});
