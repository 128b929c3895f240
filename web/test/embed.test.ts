// What the C++ build takes in, with and without Node.js. Runs in the folder web/.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "nostrp2p-web-"));
after(() => rmSync(folder, { recursive: true }));
const which = (program: string) => execFileSync("/bin/sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
const compiles = (file: string) => execFileSync("g++", ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-I", "..", "-fsyntax-only", file]);

test("with Node.js the files of the client, as C++ that compiles", () => {
  const file = join(folder, "with.cpp");
  execFileSync("./embed.sh", [file]);
  const text = readFileSync(file, "utf8");
  const paths = [...text.matchAll(/^ {2}\{"([^"]+)", "([^"]+)", (true|false)/gm)].map(([, path, , lasting]) => [path!.replace(/-[0-9a-f]{10}/, "-#"), lasting]);
  assert.deepEqual(paths, [["/", "false"], ["/assets/main-#.js", "true"], ["/assets/main-#.css", "true"], ["/favicon.svg", "false"]]);
  compiles(file);
});

test("without Node.js one page that says so", () => {
  const file = join(folder, "without.cpp");
  for (const program of ["cp", "dirname"]) symlinkSync(which(program), join(folder, program));
  execFileSync("/bin/sh", ["./embed.sh", file], { env: { PATH: folder }, stdio: "pipe" });
  assert.equal(readFileSync(file, "utf8"), readFileSync("no_client.cpp", "utf8"));
  assert.match(readFileSync(file, "utf8"), /built without its web client/);
  compiles(file);
});
