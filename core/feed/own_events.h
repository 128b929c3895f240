// What a lost disk takes along that only its user could write anew: profile, follow list and relay list. They are
// signed, so any copy is good, and of several the newest stays (NIP-01). Profile and relay list lie with followers; a
// follow list goes to nobody by itself, so our user's guardians get it to keep, whenever it or they change.
//
// A server that is bound and has none of these asks those who may have copies, as it meets them: followers as they say
// FOLLOW, those our user follows as they answer, and the guardians that the directory knows.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/feed/lookup.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class OwnEvents {
 public:
  OwnEvents(const Config& config, Host& host, Overlay& overlay, Lookup& lookup)
      : config_(config), host_(host), overlay_(overlay), lookup_(lookup) {}

  // Our user is known to live here, as by the first BIND of this disk, or of an earlier start.
  void bound();
  void met(std::span<const PubKey> users);  // who may have copies
  void topology_changed();                  // those who could not be reached before are asked
  void have(const Event& event);            // of our own user, in the store
  void leave_with(const std::vector<PubKey>& guardians);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(missing_) + heap_bytes(asked_) + heap_bytes(unasked_);
  }

 private:
  [[nodiscard]] EventPtr latest(std::uint16_t kind);
  [[nodiscard]] bool is_enough() const noexcept;
  void load();
  void save();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Lookup& lookup_;
  std::vector<std::uint16_t> wanted_;  // asked for since we were bound: a newer one may still come
  std::set<std::uint16_t> missing_;    // of these
  std::set<PubKey> asked_;
  std::set<PubKey> unasked_;  // for want of a way there
  struct Left {
    EventId list;
    std::set<PubKey> with;
  };
  std::vector<PubKey> settled_with_;  // these have it, or there are none
  std::optional<Left> left_;          // which list lies with which guardians; as on the disk, once it was looked at
};

}  // namespace np2p
