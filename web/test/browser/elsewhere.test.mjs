// The page for its owner who is somewhere else: by an address that the server does not trust, over TLS (-s), where the page
// has to sign in for everything: on the WebSocket with NIP-42, for the server's state with NIP-98.
import { here } from "../../../tests/client/namespace.mjs";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, until } from "../../../tests/client/server.mjs";
import { Person } from "../people.mjs";
import { launch, open, password, signInAs } from "./browser.mjs";

process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // the certificate is our own
const [alice, mallory] = [new Person("Alice Ash"), new Person("Mallory")];
let browser, server, url, certificate;

before(async () => {
  certificate = mkdtempSync(join(tmpdir(), "nostrp2p-certificate-"));
  const [chain, key] = ["chain.pem", "key.pem"].map((name) => join(certificate, name));
  const subject = ["-subj", "/CN=home", "-addext", `subjectAltName=IP:${here},IP:127.0.0.1`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", chain], { stdio: "pipe" });
  const args = (made) => ["--api-listen", `0.0.0.0:${made.port + 1}`, "-s", "--tls-cert", chain, "--tls-key", key];
  server = await Server.start(alice.key, { args, tls: true });
  url = `https://${here}:${server.port + 1}`;
  await publish(alice.profile());
  await publish(alice.note("Only for me"));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  assert.equal(await server?.stop(), 0);
  rmSync(certificate, { recursive: true, force: true });
});

async function publish(event) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${server.url}/publish`, { method: "POST", headers, body: JSON.stringify(event) });
  assert.equal(answer.status, 200);
}
const identity = async () => (await (await fetch(`${server.url}/status`)).json()).identity.state;
const note = (page, text) => page.locator("main [data-note]").filter({ hasText: text }).first();
const go = (page, hash) => page.evaluate((to) => (location.hash = to), hash);
const visit = () => open(browser, url, { ignoreHTTPSErrors: true });

// An extension as NIP-07 has it, and what it was asked to sign.
async function withExtension(person) {
  const page = await visit();
  const signed = [];
  await page.exposeFunction("signHere", (draft) => {
    signed.push(draft);
    return person.sign(draft.kind, draft.content, draft.tags, draft.created_at);
  });
  await page.addInitScript((key) => {
    window.nostr = { getPublicKey: async () => key, signEvent: (draft) => window.signHere(draft) };
  }, person.key);
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name: /With your extension/ }).click();
  return { page, signed };
}
const values = (draft, name) => draft.tags.filter((tag) => tag[0] === name).map((tag) => tag[1]);

test("who has not signed in gets the page, and nothing that is in it", async () => {
  const page = await visit();
  await page.getByRole("button", { name: "Sign in" }).first().waitFor();
  const answers = await page.evaluate(async () => {
    const status = await fetch("/status");
    const posts = await fetch("/req", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"kinds":[1]}' });
    const socket = new WebSocket(`wss://${location.host}/`);
    const closed = await new Promise((resolve) => {
      socket.onopen = () => socket.send('["REQ","s",{}]');
      socket.onmessage = ({ data }) => JSON.parse(data)[0] === "CLOSED" && resolve(JSON.parse(data)[2]);
    });
    socket.close();
    return [status.status, posts.status, closed.split(":")[0]];
  });
  assert.deepEqual(answers, [401, 401, "auth-required"]);
  assert.equal(await page.getByText("Only for me").count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("another's extension signs in, and that opens nothing", async () => {
  const { page, signed } = await withExtension(mallory);
  await until("it is asked who it is", () => signed.some((draft) => draft.kind === 22242));
  await go(page, `#/p/${alice.npub}`);
  await page.getByRole("button", { name: "Follow" }).first().waitFor();
  assert.equal(await page.getByText("Only for me").count(), 0);
  assert.equal(await identity(), "claimed", "nothing was bound");
  await page.context().close();
});

test("the owner's extension signs in by NIP-42 and NIP-98, binds, reads and posts", async () => {
  const { page, signed } = await withExtension(alice);
  await note(page, "Only for me").waitFor();
  await until("the BIND is there", async () => (await identity()) === "bound");
  const kinds = signed.map((draft) => draft.kind);
  assert.ok(kinds.includes(22242) && kinds.includes(27235) && kinds.includes(10848), `${kinds}`);
  const challenge = signed.find((draft) => draft.kind === 22242);
  assert.deepEqual(values(challenge, "relay"), [`wss://${new URL(url).host}/`]);
  assert.match(values(challenge, "challenge")[0], /^[0-9a-f]{32}$/);
  const proof = signed.find((draft) => draft.kind === 27235);
  assert.match(values(proof, "u")[0], new RegExp(`^${url}/status\\?nonce=[0-9a-f]{32}$`));

  await page.getByLabel("What do you want to say?").fill("Posted from afar");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await note(page, "Posted from afar").waitFor();
  await publish(alice.note("Posted at home"));
  await note(page, "Posted at home").waitFor();
  await page.reload();
  await note(page, "Posted from afar").waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a key that is kept in the browser does the same, and shows the server's state", async () => {
  const page = await visit();
  await signInAs(page, alice);
  await note(page, "Posted from afar").waitFor();
  await go(page, "#/network");
  await page.getByText(await (await (await fetch(`${server.url}/status`)).json()).node_id).waitFor();

  // After a restart the old challenge is nothing any more: it signs in again by itself.
  await go(page, "#/");
  assert.equal(await server.pause(), 0);
  await page.getByText(/Your server does not answer/).waitFor();
  await server.resume();
  await publish(alice.note("After the restart"));
  await note(page, "After the restart").waitFor();

  // Locked, it cannot; unlocked, it does.
  await page.reload();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Unlock" }).click();
  await note(page, "After the restart").waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
