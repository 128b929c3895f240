// The recorded conversation of two original servers (tests/vectors/nostrp2p-go/mesh_wire_capture.json), as mesh frames:
// protocol header, encryption flag and length prefixes taken off.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace np2p::mesh {

inline std::vector<ByteVec> captured_frames() {
  std::ifstream file(NP2P_VECTORS "/nostrp2p-go/mesh_wire_capture.json");
  std::stringstream text;
  text << file.rdbuf();
  const std::string json = text.str();
  std::vector<ByteVec> frames;
  constexpr std::string_view kKey = "\"payload\": \"";
  for (std::size_t at = json.find(kKey); at != std::string::npos; at = json.find(kKey, at)) {
    at += kKey.size();
    const std::size_t end = json.find('"', at);
    ByteVec bytes((end - at) / 2);
    if (!from_hex(std::string_view(json).substr(at, end - at), bytes)) continue;
    if (bytes.size() < 8) continue;  // protocol header or encryption flag
    frames.emplace_back(bytes.begin() + 4, bytes.end());
  }
  return frames;
}

}  // namespace np2p::mesh
