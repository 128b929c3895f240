// The trace as a file: one JSON object a line for every input and output, with what the digest folds in.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include "simnet/trace.h"

namespace np2p::sim {

class TraceFile final : public TraceSink {
 public:
  explicit TraceFile(const std::string& path) : out_(path, std::ios::trunc) {
    if (!out_) throw std::invalid_argument("trace: cannot write " + path);
  }
  void entry(SimTime at, NodeIndex node, Io io, std::uint64_t what, std::uint64_t hash) override {
    out_ << "{\"t\":" << at << ",\"node\":" << node << ",\"io\":\"" << name(io) << "\",\"what\":" << what
         << ",\"hash\":\"" << std::hex << hash << std::dec << "\"}\n";
  }
  // Has everything so far reached the file?
  [[nodiscard]] bool flush() { return static_cast<bool>(out_.flush()); }

 private:
  std::ofstream out_;
};

}  // namespace np2p::sim
