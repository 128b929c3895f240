// Slow clients and floods: the honest client goes on being served, the others are closed and counted. The bounds of time
// are ten times what `./dev bench slow` measures on an idle machine.
import "./globals.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { during, Flood, metrics, prepared, residentMb, SlowClients } from "./slow.mjs";
import { until } from "./server.mjs";

const longest = 2000; // milliseconds, of 99 in 100 answers
const mostMore = 150; // MB that the server may grow by

const served = ({ count, p99, failures, before, most }) => {
  assert.deepEqual(failures, []);
  assert.ok(count >= 20, `${count} answers`);
  assert.ok(p99 < longest, `p99 ${p99} ms`);
  assert.ok(most - before < mostMore, `${before} to ${most} MB`);
};

test("500 slow clients keep nobody out", async () => {
  const server = await prepared({ more: 600 });
  const slow = new SlowClients(server, 500);
  served(await during(server, 3, () => undefined));
  // Three quarters of them speak HTTP, for which there are 64 places: most made room.
  const { header } = slow.told;
  await until("those that are left are told that their time is up", () => header["408"] > 0, 30000);
  const counted = await metrics(server);
  assert.ok(counted.np2p_http_evicted_total > 200);
  assert.ok(counted['np2p_http_timeouts_total{phase="header"}'] > 0);
  // Who takes nothing that it asked for is closed half a minute after.
  await until("deaf ones are closed", async () => (await metrics(server))['np2p_http_timeouts_total{phase="web_socket"}'] > 0, 60000);
  slow.end();
  await until("all is over", async () => (await metrics(server)).np2p_sessions === 0);
  assert.ok(residentMb(server) < 200);
  assert.equal(await server.stop(), 0);
});

for (const [kind, options, counter, many = 2] of [
  ["heavy", {}, "np2p_sessions"],
  ["count", {}, "np2p_sessions"],
  ["forged", {}, 'np2p_rejected_total{what="publish bad_signature"}', 300],
  ["subscriptions", {}, 'np2p_rejected_total{what="subscription rate_limited"}'],
  ["subscriptions", { connections: 250, ahead: 1 }, "np2p_web_sockets_refused_total"],
]) {
  test(`a flood (${kind}, ${options.connections ?? 8} connections) waits for itself`, async () => {
    const server = await prepared({ more: 400 });
    const flood = () => new Flood(server, kind, { owner: server.owner.key, ...options });
    served(await during(server, 3, flood, async () => (await metrics(server))[counter] >= many));
    assert.equal(await server.stop(), 0);
  });
}
