// Two people at two machines: each opens the page of their own server in a browser there, signs in with the key that genkey
// printed, follows the other, and posts. Standard input is {alice, bob, restart}: of each person secret (hex), name and the
// Chromium of their machine; restart is a command that starts alice's server anew. Prints the seconds from the click to the
// sight of it on the other's screen.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { until } from "../client/server.mjs";
import { launch, open, signIn } from "../../web/test/browser/browser.mjs";
import { Person } from "../../web/test/people.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const url = "http://127.0.0.1:20001/";
const people = [given.alice, given.bob].map((one) => Object.assign(new Person(one.name, Buffer.from(one.secret, "hex")), one));
const [alice, bob] = people;

const note = (person, text) => person.page.locator("main [data-note]").filter({ hasText: text }).first();
const go = (person, hash) => person.page.evaluate((to) => (location.hash = to), hash);
const status = (person) => person.page.evaluate(async () => (await fetch("/status")).json());

async function write(person, text) {
  await person.page.getByLabel("What do you want to say?").fill(text);
  await person.page.getByRole("button", { name: "Post", exact: true }).click();
}
async function seconds(from, reader, text) {
  const started = performance.now();
  await Promise.all([note(reader, text).waitFor(), write(from, text)]);
  return (performance.now() - started) / 1000;
}

const browsers = [];
try {
  for (const person of people) {
    process.env.CHROMIUM = person.chromium;
    browsers.push(await launch());
    person.page = await open(browsers.at(-1), url);
    await signIn(person.page, person.nsec);
    await until("the server is bound to its owner", async () => (await status(person)).identity.state === "bound");
    await go(person, `#/p/${person.npub}`);
    await person.page.getByRole("button", { name: "Edit profile" }).click();
    await person.page.getByLabel("Name", { exact: true }).fill(person.name);
    await person.page.getByRole("button", { name: "Save" }).click();
    await person.page.getByRole("heading", { level: 1, name: person.name }).waitFor();
  }
  for (const [person, other] of [[alice, bob], [bob, alice]]) {
    await go(person, "#/");
    const box = person.page.getByRole("searchbox").first();
    await box.fill(other.npub);
    await box.press("Enter");
    await person.page.getByRole("button", { name: `Follow ${other.name}` }).first().click();
    await person.page.getByRole("button", { name: "It is my first" }).click();
    await person.page.getByText("Followed.").waitFor();
    await go(person, "#/");
  }
  const took = { alice: [], bob: [] };
  for (let i = 1; i <= 5; ++i) {
    took.alice.push(await seconds(alice, bob, `Post ${i} from the public machine`));
    took.bob.push(await seconds(bob, alice, `Post ${i} from behind the router`));
  }
  if (process.env.SCREENSHOT) await bob.page.screenshot({ path: process.env.SCREENSHOT });

  // A restart of the server under an open page: it comes back by itself, with what happens from then on.
  const { status: ended, stderr } = spawnSync(given.restart[0], given.restart.slice(1), { encoding: "utf8" });
  if (ended !== 0) throw new Error(`the restart failed: ${stderr}`);
  await until("the servers are linked again", async () => (await status(alice)).neighbours.some((one) => one.established), 60_000);
  await write(bob, "After the restart");
  await note(alice, "After the restart").waitFor();
  const complaints = people.flatMap((person) => person.page.complaints);
  console.log(JSON.stringify({ took, complaints }));
} finally {
  for (const browser of browsers) await browser.close();
}
