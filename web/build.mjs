// Builds the web client.
//
//   node build.mjs                  into ../build/web: index.html and a few files whose names change with their content
//   node build.mjs --embed FILE     a C++ source with their bytes instead (web_files.h)
//   node build.mjs --tests          the unit tests of src, as modules for node --test, into ../build/web-test
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "build", "web");

const common = { bundle: true, jsx: "automatic", jsxImportSource: "preact", logLevel: "warning", absWorkingDir: here };

async function bundle(entry, loader) {
  const result = await build({
    ...common,
    entryPoints: [entry],
    write: false,
    minify: true,
    format: "esm",
    target: ["es2022"],
    legalComments: "none",
    loader,
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const named = (name, bytes) => {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  return name.replace(/(\.\w+)$/, `-${hash}$1`);
};

async function client() {
  const script = await bundle("src/main.tsx");
  const style = await bundle("src/style/main.css");
  const scriptName = named("assets/main.js", script);
  const styleName = named("assets/main.css", style);
  const page = readFileSync(join(here, "src/index.html"), "utf8")
    .replace("{{script}}", scriptName)
    .replace("{{style}}", styleName);
  const files = [
    { path: "/", file: "index.html", type: "text/html; charset=utf-8", bytes: Buffer.from(page), lasting: false },
    { path: `/${scriptName}`, file: scriptName, type: "text/javascript; charset=utf-8", bytes: script, lasting: true },
    { path: `/${styleName}`, file: styleName, type: "text/css; charset=utf-8", bytes: style, lasting: true },
    { path: "/favicon.svg", file: "favicon.svg", type: "image/svg+xml", bytes: readFileSync(join(here, "src/favicon.svg")), lasting: false },
  ];
  return files;
}

function write(files) {
  rmSync(out, { recursive: true, force: true });
  for (const { file, bytes } of files) {
    mkdirSync(dirname(join(out, file)), { recursive: true });
    writeFileSync(join(out, file), bytes);
  }
}

// Octal escapes have at most three digits, so whatever follows stays itself.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 100) {
    let line = "";
    for (const byte of bytes.subarray(at, at + 100)) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
    }
    lines.push(`    "${line}"`);
  }
  return lines.join("\n");
}

function embedded(files) {
  const entries = files.map(
    ({ path, type, bytes, lasting }) => `  {"${path}", "${type}", ${lasting}, std::string_view(\n${literal(bytes)}, ${bytes.length})},`,
  );
  return `// Written by web/build.mjs.
#include "web/web_files.h"

namespace np2p::web {
namespace {
constexpr File kFiles[] = {
${entries.join("\n")}
};
}  // namespace

std::span<const File> files() noexcept {
  return kFiles;
}

}  // namespace np2p::web
`;
}

async function tests() {
  const into = join(here, "..", "build", "web-test");
  rmSync(into, { recursive: true, force: true });
  const entryPoints = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: entryPoints.map((name) => join("test", name)),
    outdir: into,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    target: ["node18"],
  });
  return entryPoints.length;
}

const [what, argument] = process.argv.slice(2);
if (what === "--tests") {
  console.log(`${await tests()} files of tests built`);
} else {
  const files = await client();
  if (what === "--embed") writeFileSync(argument, embedded(files));
  else write(files);
  for (const { file, bytes } of files) console.log(`${basename(file)} ${bytes.length} bytes`);
}
