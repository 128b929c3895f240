// How our NAT maps a fresh port: connections from one opened port to a few neighbours, which say where they see us. The
// port stays open, and so does the mapping, until the probe is released: a punch leaves from there.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/links.h"

namespace np2p::swarm {

class MappingProbes {
 public:
  MappingProbes(Host& host, Links& links) : host_(host), links_(links) {}

  // 0: no port, or nobody could be dialled.
  std::uint32_t start(const std::vector<PeerRef>& helpers);
  void release(std::uint32_t probe);
  struct Result {
    std::uint32_t probe = 0;
    std::uint16_t port = 0;
    std::vector<Address> seen;  // at most one of each helper
  };
  std::optional<Result> next();  // what came to an end since the last call

  void seen(const Links::Seen& seen);
  void changed(const LinkChange& change);
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);

 private:
  struct Probe {
    Result result;
    std::vector<LinkId> looking;
    MonoTime until;
    bool over = false;
  };
  void check(Probe& probe);

  Host& host_;
  Links& links_;
  std::uint32_t made_ = 0;
  std::vector<Probe> probes_;
  std::vector<Result> results_;
};

}  // namespace np2p::swarm
