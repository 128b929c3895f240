// The pages that the server has in itself (the web client): bytes by path, with the headers that keep them alone.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "realnet/http/http_message.h"

namespace np2p::real {

struct StaticFile {
  std::string_view bytes;         // live as long as the program
  std::string_view content_type;  // "text/html; charset=utf-8"
  bool immutable = false;         // its name changes with its content: browsers need not ask again
};

class StaticFiles {
 public:
  // By path: "/" is the page, "/assets/index-1f2e3d.js" a part of it.
  using Map = std::map<std::string, StaticFile, std::less<>>;

  StaticFiles() = default;
  explicit StaticFiles(const Map& files);
  [[nodiscard]] bool has(std::string_view path) const { return files_.find(path) != files_.end(); }
  // GET of a path that it has: the file, gzip if accepted, or 304.
  [[nodiscard]] HttpReply reply(const HttpRequest& request, std::string_view path) const;

 private:
  struct Entry {
    StaticFile file;
    std::string tag;     // ETag, with its quotes
    std::string zipped;  // empty: not worth it
  };
  std::map<std::string, Entry, std::less<>> files_;
};

}  // namespace np2p::real
