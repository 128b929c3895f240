// The page as two real servers on loopback serve it: what one person does in a browser, the other sees in another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, until } from "../../../tests/client/server.mjs";
import { Person } from "../people.mjs";
import { launch, open, password, signInAs } from "./browser.mjs";

const [alice, bob] = [new Person("Alice Ash"), new Person("Bob Birch")];
let browser;

before(async () => {
  browser = await launch();
  alice.server = await Server.start(alice.key);
  bob.server = await Server.start(bob.key, { bootstrap: alice.server });
  for (const person of [alice, bob]) person.page = await open(browser, person.server.url);
});
after(async () => {
  for (const person of [alice, bob]) await person.server?.stop();
  await browser?.close();
});

const status = async (person) => (await fetch(`${person.server.url}/status`)).json();
const notes = (person) => person.page.locator("main [data-note]");
const note = (person, text) => notes(person).filter({ hasText: text }).first();
const go = (person, hash) => person.page.evaluate((to) => (location.hash = to), hash);
async function post(person, text) {
  await go(person, "#/");
  await person.page.getByLabel("What do you want to say?").fill(text);
  await person.page.getByRole("button", { name: "Post", exact: true }).click();
  await note(person, text).waitFor();
}
async function saveProfile(person) {
  await go(person, `#/p/${person.npub}`);
  await person.page.getByRole("button", { name: "Edit profile" }).click();
  await person.page.getByLabel("Name", { exact: true }).fill(person.name);
  await person.page.getByRole("button", { name: "Save" }).click();
  await person.page.getByRole("heading", { level: 1, name: person.name }).waitFor();
}
async function follow(person, other) {
  const box = person.page.getByRole("searchbox").first();
  await go(person, "#/");
  await box.fill(other.npub);
  await box.press("Enter");
  await person.page.getByRole("button", { name: `Follow ${other.name}` }).first().click();
  await person.page.getByRole("button", { name: "It is my first" }).click();
  await person.page.getByText("Followed.").waitFor();
}

test("the page comes with a policy that lets it talk to its server only", async () => {
  const answer = await fetch(alice.server.url);
  assert.match(answer.headers.get("content-type"), /^text\/html/);
  assert.match(answer.headers.get("content-security-policy"), /default-src '(self|none)'/);
  const page = await answer.text();
  const [script] = /\/assets\/main-[0-9a-f]+\.js/.exec(page);
  assert.equal((await fetch(alice.server.url + script)).status, 200);
  assert.equal((await fetch(`${alice.server.url}/assets/other.js`)).status, 404);
});

test("signing in binds the server to its owner", async () => {
  for (const person of [alice, bob]) {
    await signInAs(person.page, person);
    await until("the BIND is there", async () => (await status(person)).identity.state === "bound");
    await saveProfile(person);
  }
});

test("both follow each other, and posts come live", async () => {
  await until("the servers are linked", async () => (await status(bob)).neighbours.some((one) => one.established));
  await follow(alice, bob);
  await follow(bob, alice);
  await go(alice, "#/");
  await post(bob, "The first swifts are back");
  await note(alice, "The first swifts are back").waitFor();
});

test("a reply, a like and a mention arrive, and are told", async () => {
  await note(alice, "The first swifts").getByRole("button", { name: "Reply" }).click();
  await alice.page.getByLabel("Your reply").fill("How many?");
  await alice.page.getByRole("dialog").getByRole("button", { name: "Reply" }).click();
  await note(bob, "How many?").waitFor();
  await note(alice, "The first swifts").getByRole("button", { name: /^Like/ }).click();
  await note(bob, "The first swifts").getByRole("button", { name: "Like, 1" }).waitFor();
  await until("three are unread", async () => (await bob.page.locator(".badge").allTextContents())[0] === "3");
  await go(bob, "#/notifications");
  await bob.page.getByText("Alice Ash follows you").waitFor();
  await bob.page.getByText("Alice Ash replied to you").waitFor();
  await bob.page.getByText("Alice Ash liked your note").waitFor();

  await go(bob, "#/");
  const field = bob.page.getByLabel("What do you want to say?");
  await field.pressSequentially("Ask @Ali");
  await bob.page.getByRole("option", { name: /Alice Ash/ }).waitFor();
  await field.press("Tab");
  await field.pressSequentially("about beans");
  await field.press("Control+Enter");
  await note(alice, "Ask @Alice Ash about beans").waitFor();
});

test("reposts and quotes", async () => {
  await go(alice, "#/");
  await note(alice, "The first swifts").getByRole("button", { name: "Repost" }).click();
  await bob.page.getByText("Alice Ash reposted").waitFor();
  await note(alice, "about beans").getByRole("button", { name: "Quote" }).click();
  await alice.page.getByRole("dialog").getByLabel("What do you want to say?").fill("Gladly");
  await alice.page.getByRole("dialog").getByRole("button", { name: "Post" }).click();
  await note(bob, "Gladly").locator(".embedded", { hasText: "about beans" }).waitFor();
});

test("a thread, a search, a reload that keeps the session", async () => {
  await note(bob, "How many?").click();
  await bob.page.getByRole("heading", { level: 1, name: "Thread" }).waitFor();
  await until("root and reply", async () => {
    const texts = await notes(bob).locator(".text").allTextContents();
    return /first swifts/.test(texts[0]) && /How many/.test(texts[1]);
  });
  const box = bob.page.getByRole("searchbox").first();
  await box.fill("swifts");
  await box.press("Enter");
  await note(bob, "The first swifts").waitFor();

  await bob.page.reload();
  await go(bob, "#/");
  await note(bob, "How many?").waitFor();
  await bob.page.getByLabel("What do you want to say?").fill("Eleven");
  await bob.page.getByRole("button", { name: "Post", exact: true }).click();
  await bob.page.getByLabel("Password").fill(password);
  await bob.page.getByRole("button", { name: "Unlock" }).click();
  await note(bob, "Eleven").waitFor();
});

test("what was deleted goes everywhere", async () => {
  await go(alice, "#/");
  await note(alice, "Eleven").waitFor();
  await note(bob, "Eleven").locator("summary").click();
  await note(bob, "Eleven").getByRole("button", { name: "Delete" }).click();
  for (const person of [bob, alice]) await note(person, "Eleven").waitFor({ state: "detached" });
});

test("the network page shows the other one", async () => {
  await go(alice, "#/network");
  await alice.page.getByRole("img", { name: "This server and 1 neighbour" }).waitFor();
  await alice.page.getByText((await status(alice)).node_id).waitFor();
  await alice.page.getByText("signed by its owner").waitFor();
});

test("a server that ends and starts anew is found again, with what happened meanwhile", async () => {
  await go(alice, "#/");
  assert.equal(await bob.server.pause(), 0);
  await bob.page.getByText(/Your server does not answer/).waitFor();
  await post(alice, "While you were away");
  await bob.server.resume();
  await note(bob, "While you were away").waitFor({ timeout: 30_000 });
});

test("nothing went wrong on either page", () => {
  for (const person of [alice, bob]) assert.deepEqual(person.page.complaints, []);
});
