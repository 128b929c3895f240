// Takes the place of the web client in a server that was built without Node.js.
#include "web/web_files.h"

namespace np2p::web {
namespace {

constexpr File kFiles[] = {
    {"/", "text/html; charset=utf-8", false,
     "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>nostrp2p</title>\n"
     "<p>This server was built without its web client; any Nostr client can use it.</p>\n</html>\n"},
};

}  // namespace

std::span<const File> files() noexcept {
  return kFiles;
}

}  // namespace np2p::web
