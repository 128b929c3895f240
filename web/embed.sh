#!/bin/sh
# embed.sh FILE: writes FILE, a C++ source with the web client's bytes; without Node.js or the packages of
# package-lock.json (./dev fetches them) it is the page that says so.
set -eu
out=$1
cd "$(dirname "$0")"
if [ -d node_modules/esbuild ] && command -v node >/dev/null 2>&1; then
  node build.mjs --embed "$out"
else
  echo "without Node.js, or the packages of web/package-lock.json: the server gets no web client" >&2
  cp no_client.cpp "$out"
fi
