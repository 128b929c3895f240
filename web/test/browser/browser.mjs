// Headless Chromium for the tests: one browser, a fresh profile for each person, and complaints collected.
import { encrypt } from "nostr-tools/nip49";
import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });

// A page that fails its test when a script throws, when something is asked of another host, or when the policy is hurt.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const { host } = new URL(url);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/ERR_CONNECTION|WebSocket|status of 40[13]/.test(message.text())) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol !== "data:" && to.host !== host) complaints.push(`asks elsewhere: ${request.url()}`);
  });
  page.complaints = complaints;
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  return page;
}

export const password = "correct horse";

// With a key that is encrypted already, with little work: a test waits for no key stretching.
export async function signInAs(page, person) {
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name: /With a key that you have/ }).click();
  await page.getByLabel("Secret key").fill(encrypt(person.secret, password, 2));
  await page.getByLabel("Its password").fill(password);
  await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

export async function signIn(page, nsec) {
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name: /With a key that you have/ }).click();
  await page.getByLabel("Secret key").fill(nsec);
  await page.getByLabel("Password for this browser").fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}
