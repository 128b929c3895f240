// The web client as bytes in the program. Built by build.mjs where Node.js is; else one page that says so
// (no_client.cpp). Whoever serves them decides on headers and encodings.
#pragma once

#include <span>
#include <string_view>

namespace np2p::web {

struct File {
  std::string_view path;  // "/" is the page
  std::string_view content_type;
  bool lasting = false;  // its name changes with its content
  std::string_view bytes;
};

std::span<const File> files() noexcept;  // live as long as the program

}  // namespace np2p::web
