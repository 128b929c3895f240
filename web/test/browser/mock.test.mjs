// The built client in headless Chromium against the mock relay.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";
import * as nip19 from "nostr-tools/nip19";
import { decrypt } from "nostr-tools/nip49";
import { MockRelay } from "../mock_relay.mjs";
import { Person, now, statusOf, tagged } from "../people.mjs";
import { world } from "../world.mjs";
import { launch, open, password, signIn, signInAs } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser, relay, page;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => (relay = await MockRelay.start()));
afterEach(async () => {
  const complaints = page?.complaints ?? [];
  await page?.context().close();
  page = undefined;
  await relay.stop();
  assert.deepEqual(complaints, []);
});

async function until(what, check, milliseconds = 30_000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const published = (kind) => until(`an event of kind ${kind}`, () => relay.received.find((event) => event.kind === kind));
const go = (hash) => page.evaluate((to) => (location.hash = to), hash);
const notes = () => page.locator("main [data-note]");
const note = (text) => notes().filter({ hasText: text });

async function enterAs(person, options) {
  page = await open(browser, relay.url, options);
  await signInAs(page, person);
}
const names = (event, name) => event.tags.filter((tag) => tag[0] === name).map((tag) => tag[1]);

test("a key that one has: encrypted here, the server bound on first use, a post, a reload, a lock", async () => {
  const alice = new Person("alice");
  relay.status = statusOf(alice.key, { bound: false });
  page = await open(browser, relay.url);
  await signIn(page, alice.nsec);

  const bind = await published(10848);
  const expires = Number(names(bind, "expires")[0]);
  assert.deepEqual([names(bind, "node"), names(bind, "epoch"), bind.content], [[relay.status.node_id], ["1"], ""]);
  assert.ok(Math.abs(expires - now() - 90 * 86_400) < 60);
  await page.getByText("Signed: this server is yours for 90 days.").waitFor();
  assert.equal(await page.locator(".banner").count(), 0);

  await page.getByLabel("What do you want to say?").fill("Hello <b>world</b>");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await note("Hello <b>world</b>").waitFor();
  assert.equal((await published(1)).content, "Hello <b>world</b>");

  const kept = JSON.parse(await page.evaluate(() => localStorage.getItem("np2p.account")));
  assert.deepEqual(Buffer.from(decrypt(kept.ncryptsec, password)), Buffer.from(alice.secret));
  const everything = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!everything.includes(alice.nsec) && !everything.includes(Buffer.from(alice.secret).toString("hex")));

  await page.reload();
  await note("Hello <b>world</b>").waitFor();
  await page.getByLabel("What do you want to say?").fill("After the reload");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Unlock your key" });
  await dialog.getByLabel("Password").fill("not the password");
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await dialog.getByText("The password does not open this key.").waitFor();
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await note("After the reload").waitFor();
  assert.equal(relay.received.filter(({ kind }) => kind === 10848).length, 1, "bound once");
});

test("a new key", async () => {
  page = await open(browser, relay.url);
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name: /Make a new key/ }).click();
  const dialog = page.getByRole("dialog");
  const nsec = await dialog.locator("code").textContent();
  const enter = dialog.getByRole("button", { name: "Sign in with this key" });
  await dialog.getByLabel("Password for this browser").fill(password);
  await dialog.getByLabel("The same again").fill("something else");
  assert.ok(await enter.isDisabled(), "not before one says that one has kept it");
  await dialog.getByLabel(/I have kept a copy/).check();
  await enter.click();
  await dialog.getByText("The two passwords differ.").waitFor();
  await dialog.getByLabel("The same again").fill(password);
  await enter.click();
  await page.getByLabel("What do you want to say?").waitFor();
  const kept = JSON.parse(await page.evaluate(() => localStorage.getItem("np2p.account")));
  assert.equal(nip19.nsecEncode(decrypt(kept.ncryptsec, password)), nsec);
  // With a key that is new nobody has followed anybody.
  const bob = new Person("Bob Bird");
  relay.store(bob.profile());
  await go(`#/p/${bob.npub}`);
  await page.locator("main").getByRole("button", { name: "Follow Bob Bird" }).click();
  assert.deepEqual((await published(3)).tags, [["p", bob.key]]);
});

test("an extension signs (NIP-07)", async () => {
  const alice = new Person("alice");
  relay.status = statusOf(alice.key);
  const context = await browser.newContext();
  page = await context.newPage();
  page.complaints = [];
  await page.exposeFunction("signHere", (draft) => alice.sign(draft.kind, draft.content, draft.tags, draft.created_at));
  await page.addInitScript((key) => {
    window.nostr = { getPublicKey: async () => key, signEvent: (draft) => window.signHere(draft) };
  }, alice.key);
  await page.goto(relay.url);
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name: /With your extension/ }).click();
  await page.getByLabel("What do you want to say?").fill("signed elsewhere");
  await page.keyboard.press("Control+Enter");
  await note("signed elsewhere").waitFor();
  assert.equal((await published(1)).pubkey, alice.key);
  await page.reload();
  await note("signed elsewhere").waitFor();
});

test("a word for the server that runs out is told, and renewed with the next epoch", async () => {
  const alice = new Person("alice");
  relay.status = statusOf(alice.key);
  relay.status.identity = { state: "bound", epoch: 4, expires: now() + 5 * 86_400 };
  await enterAs(alice);
  const banner = page.locator(".banner", { hasText: /runs out in (4|5) days/ });
  await banner.getByRole("button", { name: "Sign again" }).click();
  assert.deepEqual(names(await published(10848), "epoch"), ["5"]);
  await banner.waitFor({ state: "detached" });
});

test("another person's server says so, and a refusal is shown and loses nothing", async () => {
  const [alice, owner] = [new Person("alice"), new Person("Otto")];
  relay.store(owner.profile());
  relay.status = statusOf(owner.key);
  relay.refusal = () => "blocked: this server publishes for its owner only";
  await enterAs(alice);
  await page.getByText(/This server belongs to Otto/).waitFor();
  await page.getByLabel("What do you want to say?").fill("may I?");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByText("Your server did not take it: This server publishes for its owner only.").waitFor();
  assert.equal(await page.getByLabel("What do you want to say?").inputValue(), "may I?");
  assert.ok(!relay.received.some(({ kind }) => kind === 10848), "nothing to bind");
});

test("posts come live; reply, like, repost, quote and their taking back", async () => {
  const [alice, bob, carol] = [new Person("alice"), new Person("bob"), new Person("carol")];
  relay.status = statusOf(alice.key);
  relay.store(bob.profile(), carol.profile(), alice.sign(3, "", [["p", bob.key]]));
  const root = carol.note("A root", [], now() - 60);
  relay.store(root);
  await enterAs(alice);
  await page.getByText("Nothing here yet").waitFor();
  const post = bob.note("In answer", [["e", root.id, "", "root"], ["p", carol.key]], now() - 5);
  relay.store(post);
  await note("In answer").getByText("in reply to carol").waitFor();

  await note("In answer").getByRole("button", { name: "Reply" }).click();
  await page.getByLabel("Your reply").fill("My answer");
  await page.getByRole("dialog").getByRole("button", { name: "Reply" }).click();
  const reply = await published(1);
  assert.deepEqual(reply.tags, [["e", root.id, "", "root"], ["e", post.id, "", "reply", bob.key], ["p", bob.key], ["p", carol.key]]);
  await note("In answer").getByRole("button", { name: "Reply, 1" }).waitFor();

  const like = () => note("In answer").first().getByRole("button", { name: /^Like/ });
  await like().click();
  const liked = await published(7);
  assert.deepEqual([names(liked, "e"), names(liked, "p"), liked.content], [[post.id], [bob.key], "+"]);
  await until("the like shows", async () => (await like().getAttribute("aria-pressed")) === "true");
  relay.store(carol.sign(7, "+", tagged(post)));
  await note("In answer").getByRole("button", { name: "Like, 2" }).waitFor();
  await like().click();
  assert.deepEqual(names(await published(5), "e"), [liked.id]);
  await until("it is taken back", async () => (await like().getAttribute("aria-pressed")) === "false");

  await note("In answer").getByRole("button", { name: "Repost" }).click();
  const repost = await published(6);
  assert.equal(JSON.parse(repost.content).id, post.id);
  assert.deepEqual(names(repost, "e"), [post.id]);
  await page.getByText(/npub1.* reposted/).waitFor();

  relay.received = [];
  await note("In answer").getByRole("button", { name: "Quote" }).click();
  await page.getByLabel("What do you want to say?").last().fill("See");
  await page.getByRole("dialog").getByRole("button", { name: "Post" }).click();
  const quote = await published(1);
  assert.deepEqual([names(quote, "q"), names(quote, "p")], [[post.id], [bob.key]]);
  assert.match(quote.content, /^See\n\nnostr:nevent1/);
  await note("See").locator(".embedded", { hasText: "In answer" }).waitFor();
});

test("a mention is completed, and following loses nothing of the list", async () => {
  const [alice, bob, carol] = [new Person("alice"), new Person("Bob Bird"), new Person("carol")];
  relay.status = statusOf(alice.key);
  const list = alice.sign(3, '{"wss://r":{}}', [["p", carol.key, "wss://far", "c"], ["x", "kept"]], now() + 500);
  relay.store(bob.profile(), carol.profile(), list, bob.note("here I am"));
  await enterAs(alice);
  await go("#/everyone");
  await note("here I am").waitFor();
  await page.getByRole("button", { name: "Follow Bob Bird" }).click();
  const changed = await published(3);
  assert.deepEqual(changed.tags, [...list.tags, ["p", bob.key]]);
  assert.deepEqual([changed.content, changed.created_at], [list.content, list.created_at + 1]);
  await go("#/");
  await note("here I am").waitFor();

  // A list that the server has lost is not replaced by a shorter one.
  relay.events = relay.events.filter(({ kind }) => kind !== 3);
  relay.received = [];
  await page.reload();
  await note("here I am").waitFor();
  await go(`#/p/${bob.npub}`);
  await page.getByRole("button", { name: "Follow Bob Bird" }).click();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Unlock" }).click();
  assert.deepEqual((await published(3)).tags, list.tags);

  await go("#/");
  relay.received = [];
  const field = page.getByLabel("What do you want to say?");
  await field.pressSequentially("Hi @bo");
  await page.getByRole("option", { name: /Bob Bird/ }).waitFor();
  await field.press("Enter");
  await field.pressSequentially("how are you?");
  assert.equal(await field.inputValue(), "Hi @Bob Bird how are you?");
  await field.press("Control+Enter");
  const mention = await published(1);
  assert.equal(mention.content, `Hi nostr:${bob.npub} how are you?`);
  assert.deepEqual(names(mention, "p"), [bob.key]);
});

test("a list that the server has lost is published as it was, and a first one asks before", async () => {
  const [alice, bob, carol] = [new Person("alice"), new Person("Bob Bird"), new Person("carol")];
  relay.status = statusOf(alice.key);
  const list = alice.sign(3, "", [["p", carol.key], ["p", bob.key]]);
  relay.store(bob.profile(), list, bob.note("here I am"));
  await enterAs(alice);
  await note("here I am").waitFor();
  assert.equal(await page.getByRole("button", { name: "Publish it" }).count(), 0);
  relay.events = relay.events.filter(({ kind }) => kind !== 3);
  await page.reload();
  await page.getByText("This browser has a copy: 2 people").waitFor();
  await page.getByRole("button", { name: "Publish it" }).click();
  assert.deepEqual(await published(3), list);
  await page.getByRole("button", { name: "Publish it" }).waitFor({ state: "detached" });

  // Nobody has a copy.
  relay.events = relay.events.filter(({ kind }) => kind !== 3);
  relay.received = [];
  await page.evaluate((key) => localStorage.removeItem(key), `np2p.follows.${alice.key}`);
  await page.reload();
  await go(`#/p/${bob.npub}`);
  const button = page.locator("main").getByRole("button", { name: "Follow Bob Bird" });
  const dialog = page.getByRole("dialog", { name: "Your first follow list?" });
  await button.click();
  await dialog.getByRole("button", { name: "Not now" }).click();
  await dialog.waitFor({ state: "detached" });
  await button.click();
  await dialog.getByRole("button", { name: "It is my first" }).click();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Unlock" }).click();
  assert.deepEqual((await published(3)).tags, [["p", bob.key]]);
  assert.equal(relay.received.length, 1);
});

test("a note that is named with its author is asked for as that author's", async () => {
  const [bob, id] = [new Person("bob"), "ab".repeat(32)];
  page = await open(browser, relay.url);
  await go(`#/e/${nip19.neventEncode({ id, author: bob.key })}`);
  await page.getByText("This note is not here yet").waitFor();
  const asked = await until("it is asked for", () => relay.requests.find(([, ...filters]) => filters.some(({ authors }) => authors)));
  assert.deepEqual(asked.slice(1), [{ ids: [id] }, { ids: [id], authors: [bob.key] }]);
});

test("a thread whole, notifications counted and read, a profile changed", async () => {
  const people = world(relay);
  await enterAs(people.alice);
  const badge = page.locator(".badge");
  await until("seven are unread", async () => (await badge.textContent()) === "7");
  await go("#/notifications");
  await page.getByText("and 1 more liked your note").waitFor();
  await badge.waitFor({ state: "detached" });
  await page.reload();
  await page.getByText("and 1 more liked your note").waitFor();
  assert.equal(await badge.count(), 0, "still read after a reload");
  relay.store(people.eve.note("again you", [["p", people.alice.key]]));
  await until("a new one", async () => (await page.locator(".notice.unread").count()) === 1);

  await go(`#/e/${nip19.noteEncode(people.answer.id)}`);
  await note("Others keep the mail").waitFor();
  const texts = await notes().locator(".text").allTextContents();
  assert.match(texts[0], /Does anybody run one/);
  assert.match(texts[1], /Two years now/);
  assert.match(texts[2], /Good to hear/);
  relay.store(people.dmitri.note("Late to this", [["e", people.question.id, "", "root"], ["e", people.answer.id, "", "reply"]]));
  await note("Late to this").waitFor();

  await go(`#/p/${people.alice.npub}`);
  await page.getByRole("button", { name: "Edit profile" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Alice in the garden");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Unlock" }).click();
  const profile = JSON.parse((await published(0)).content);
  assert.equal(profile.name, "Alice in the garden");
  assert.match(profile.about, /bicycles/);
  await page.getByRole("heading", { level: 1, name: "Alice in the garden" }).waitFor();
  await page.getByRole("tab", { name: "Posts" }).focus();
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.getByRole("tab", { name: "Follows" }).getAttribute("aria-selected"), "true");
  await page.getByRole("tabpanel").getByText("Fatima Zahra").waitFor();
});

test("search by the server, and without it over what is loaded; a code leads there", async () => {
  const people = world(relay);
  await enterAs(people.alice);
  const box = page.getByRole("searchbox");
  await box.fill("little heater");
  await box.press("Enter");
  await note("the little heater").waitFor();
  await until("the server is asked", () => relay.requests.some(([, filter]) => filter.search === "little heater"));
  await box.fill(people.bob.npub);
  await box.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Bob Lindqvist" }).waitFor();

  relay.info = { supported_nips: [1] };
  relay.requests = [];
  await page.reload();
  await go("#/search?q=swifts");
  await page.getByText("Your server does not search").waitFor();
  await note("The first swifts").waitFor();
  assert.ok(!relay.requests.some(([, ...filters]) => filters.some((filter) => filter.search !== undefined)));
});

test("older posts come as one scrolls, by until, and none twice", async () => {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  relay.status = statusOf(alice.key);
  relay.store(alice.sign(3, "", [["p", bob.key]]), bob.profile());
  for (let i = 0; i < 170; ++i) relay.store(bob.note(`Post number ${i}.`, [], now() - 1000 - i * 10));
  await enterAs(alice);
  await note("Post number 0.").waitFor();
  assert.ok((await notes().count()) < 100);
  await until(
    "the end",
    async () => {
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      return page.getByText("That is all your server has.").isVisible();
    },
    60_000,
  );
  const texts = await notes().locator(".text").allTextContents();
  assert.equal(texts.length, 170);
  assert.equal(new Set(texts).size, 170);
  assert.ok(relay.requests.some(([, filter]) => filter.until !== undefined));

  // Further down new posts wait behind a button, so that what one reads stays where it is.
  relay.store(bob.note("Brand new"));
  await page.getByRole("button", { name: "1 new post" }).click();
  await note("Brand new").waitFor();
});

test("a server that goes away and comes back; what happened meanwhile is there", async () => {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  relay.status = statusOf(alice.key);
  relay.store(alice.sign(3, "", [["p", bob.key]]), bob.note("before", [], now() - 10));
  await enterAs(alice);
  await note("before").waitFor();
  await relay.stop();
  await page.getByText(/Your server does not answer/).waitFor();
  assert.ok(await note("before").isVisible());
  relay.store(bob.note("meanwhile"));
  await relay.resume();
  await note("meanwhile").waitFor();
  await page.getByText(/Your server does not answer/).waitFor({ state: "detached" });
});

test("a server that asks who one is gets a signature and answers then", async () => {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  relay.challenge = "riddle";
  relay.nonce = "once";
  relay.status = statusOf(alice.key, { peers: 3 });
  relay.store(alice.sign(3, "", [["p", bob.key]]), bob.note("for those who may"));
  page = await open(browser, `${relay.url}/#/everyone`);
  await page.getByText("only to whom it knows: Say who you are.").waitFor();
  await signInAs(page, alice);
  await note("for those who may").waitFor();
  assert.equal(await page.getByText("only to whom it knows").count(), 0);
  await go("#/network");
  await page.getByRole("img", { name: "This server and 3 neighbours" }).waitFor();
});

test("keys: j and k go, r answers, n writes, l likes, ? helps; nothing while one writes", async () => {
  const people = world(relay);
  await enterAs(people.alice);
  await notes().nth(2).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const focused = () => page.evaluate(() => document.activeElement.dataset.note ?? document.activeElement.tagName);
  const order = await notes().evaluateAll((all) => all.map((one) => one.dataset.note));
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await focused(), order[1]);
  await page.keyboard.press("k");
  assert.equal(await focused(), order[0]);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus can be seen");
  await page.keyboard.press("l");
  assert.deepEqual(names(await published(7), "e"), [order[0]]);
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "Reply" }).waitFor();
  await page.keyboard.type("jkn?");
  assert.equal(await page.getByLabel("Your reply").inputValue(), "jkn?");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), order[0], "the focus comes back");
  await page.keyboard.press("n");
  await page.getByRole("dialog", { name: "New post" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await focused(), "INPUT");
});

test("the network page moves with the server", async () => {
  const alice = new Person("alice");
  relay.status = statusOf(alice.key, { peers: 5 });
  page = await open(browser, `${relay.url}/#/network`);
  await page.getByText(relay.status.node_id).waitFor();
  await page.getByRole("img", { name: "This server and 5 neighbours" }).waitFor();
  assert.equal(await page.locator(".ring .peer").count(), 5);
  relay.status = statusOf(alice.key, { peers: 7, at: 5 });
  await page.getByRole("img", { name: "This server and 7 neighbours" }).waitFor();
  await page.locator(".spark.flow polyline").first().waitFor();
  await page.getByText("198.51.100.9:20000").waitFor();
  await page.getByRole("img", { name: /NAT: port restricted/ }).waitFor();
  await page.getByRole("row", { name: /posts and other events 28.7 MiB 19.2 MiB/ }).waitFor();
  relay.status = null;
  await page.getByText(/No state from the server/).waitFor();
});

test("what people write is text, whatever it looks like", async () => {
  const [alice, evil] = [new Person("alice"), new Person('<img src=x onerror="window.hurt=1">')];
  relay.status = statusOf(alice.key);
  const markup = '<script>window.hurt=1</script><img src="https://elsewhere.example/x.png" onerror="window.hurt=1">';
  relay.store(evil.sign(0, JSON.stringify({ name: evil.name, about: markup, picture: "https://elsewhere.example/a.png", website: "javascript:window.hurt=1" })));
  relay.store(evil.note(`${markup} https://elsewhere.example/picture.jpg javascript:window.hurt=1`));
  page = await open(browser, `${relay.url}/#/everyone`);
  await note('<script>window.hurt=1</script><img src="').waitFor();
  await go(`#/p/${evil.npub}`);
  await page.getByRole("heading", { level: 1, name: evil.name }).waitFor();
  await note("<script>").waitFor();
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  assert.equal(await page.locator("main img, main script").count(), 0);
  const links = await page.locator("main a[target=_blank]").evaluateAll((all) => all.map((link) => [link.protocol, link.rel]));
  assert.ok(links.length > 0);
  for (const [protocol, rel] of links) assert.deepEqual([protocol, rel], ["https:", "noopener noreferrer nofollow"]);
});

test("every page has its labels and contrasts, and fits a narrow phone", async () => {
  const people = world(relay);
  const everything = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const colours = { type: "rule", values: ["color-contrast", "link-in-text-block"] };
  for (const colorScheme of ["light", "dark"]) {
    await enterAs(people.alice, { viewport: { width: 360, height: 740 }, colorScheme });
    await page.evaluate(axe);
    const hashes = ["#/", "#/everyone", `#/e/${nip19.noteEncode(people.answer.id)}`, `#/p/${people.bob.npub}`, "#/notifications", "#/search?q=home", "#/network", "#/settings"];
    for (const hash of hashes) {
      await go(hash);
      await page.waitForTimeout(250);
      await check(hash, colorScheme);
    }
    await page.getByRole("button", { name: "New post" }).click();
    await check("composer", colorScheme);
    await page.keyboard.press("Escape");
    if (colorScheme === "light") {
      await page.setViewportSize({ width: 1280, height: 800 });
      await go("#/");
      await page.waitForTimeout(250);
      await check("on a desk", colorScheme);
      await page.context().close();
    }
  }
  async function check(where, colorScheme) {
    const rules = colorScheme === "dark" ? colours : everything;
    const { violations } = await page.evaluate((only) => window.axe.run(document, { runOnly: only }), rules);
    const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
    assert.deepEqual(found, [], `${where}, ${colorScheme}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${where} is ${wide} pixels too wide`);
  }
});
