// Proof that a key signed two things of which an honest owner signs one: two different CONTACTs of one node with one
// sequence, two BINDs of one user that name different nodes for one epoch. Both signatures hold, so a pair convinces
// whoever sees it. Kept to be shown; what counts meanwhile is decided by fixed rules (contact.h, core/event/bind.h).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/config.h"
#include "core/host/host.h"

namespace np2p::swarm {

class Evidence {
 public:
  enum class What : std::uint8_t { contact, bind };
  struct Pair {
    What what = What::contact;
    std::array<std::uint8_t, 32> signer{};
    std::uint64_t number = 0;  // sequence or epoch
    ByteVec first;             // records, verified both
    ByteVec second;
  };
  Evidence(const Config& config, Host& host) : config_(config), host_(host) {}

  // Counted and reported once for each signer and number.
  void found(What what, const std::array<std::uint8_t, 32>& signer, std::uint64_t number, ByteVec first,
             ByteVec second);
  [[nodiscard]] const std::vector<Pair>& pairs() const noexcept { return pairs_; }  // oldest first
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  const Config& config_;
  Host& host_;
  std::vector<Pair> pairs_;
  std::uint64_t count_ = 0;
};

}  // namespace np2p::swarm
