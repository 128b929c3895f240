// Screenshots of every page, on a desk and on a phone, light and dark: node test/look.mjs [FOLDER]
import { mkdirSync } from "node:fs";
import { launch, open, signInAs } from "./browser/browser.mjs";
import { MockRelay } from "./mock_relay.mjs";
import { statusOf } from "./people.mjs";
import { world } from "./world.mjs";
import * as nip19 from "nostr-tools/nip19";

const folder = process.argv[2] ?? "../build/web-look";
const only = process.argv[3];
mkdirSync(folder, { recursive: true });
const relay = await MockRelay.start();
const people = world(relay);
const browser = await launch();
const pages = {
  home: "#/",
  everyone: "#/everyone",
  thread: `#/e/${nip19.noteEncode(people.answer.id)}`,
  profile: `#/p/${people.bob.npub}`,
  own: `#/p/${people.alice.npub}`,
  notifications: "#/notifications",
  search: "#/search?q=home",
  network: "#/network",
  settings: "#/settings",
};
const sizes = { desk: { viewport: { width: 1280, height: 800 } }, phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } };
for (const [size, options] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, relay.url, { ...options, colorScheme });
    const shot = (name) => page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` });
    if (!only) {
      await page.waitForTimeout(200);
      await shot("welcome");
      await page.getByRole("button", { name: "Sign in" }).first().click();
      await shot("signin");
      await page.getByRole("button", { name: /Make a new key/ }).click();
      await shot("newkey");
      await page.keyboard.press("Escape");
    }
    await signInAs(page, people.alice);
    for (const [name, hash] of Object.entries(pages)) {
      if (only && only !== name) continue;
      await page.evaluate((to) => (location.hash = to), hash);
      await page.waitForTimeout(500);
      if (name === "network") {
        for (let at = 1; at < 4; ++at) {
          relay.status = statusOf(people.alice.key, { peers: 9, at });
          await page.waitForTimeout(2000);
        }
      }
      await shot(name);
      if (name === "network" || name === "settings") {
        await page.evaluate(() => scrollTo(0, 620));
        await page.waitForTimeout(150);
        await shot(`${name}-2`);
      }
    }
    if (!only) {
      await page.evaluate(() => (location.hash = "#/"));
      await page.waitForTimeout(300);
      await page.evaluate(() => document.activeElement?.blur());
      await page.keyboard.press("j");
      await page.keyboard.press("r");
      await page.waitForTimeout(200);
      await page.keyboard.type("Thank you @bo");
      await page.waitForTimeout(200);
      await shot("reply");
    }
    if (page.complaints.length) console.log(page.complaints);
    await page.context().close();
  }
}
await browser.close();
await relay.stop();
