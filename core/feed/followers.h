// Who follows our user: registrations with a lease, kept in the store. In follower mode these get our user's posts; a
// follower who could not be reached is remembered as behind, and served from there when it is back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/host/host.h"

namespace np2p {

class Followers {
 public:
  struct Follower {
    WallTime lease_until;
    // created_at (Unix seconds) of the first post it missed; nothing if it has all that was sent.
    std::optional<std::int64_t> behind_since;
  };

  Followers(const Config& config, Host& host);

  void load();
  // Registers or renews; the lease starts now. False: over the limit, or the store cannot keep it.
  bool add(const PubKey& follower);
  bool remove(const PubKey& follower);
  void missed(const PubKey& follower, std::int64_t created_at);
  void has_until(const PubKey& follower, std::int64_t created_at);  // of one who is behind: what comes then is missing
  void caught_up(const PubKey& follower);
  std::vector<PubKey> expire();  // forgets leases that ended and says whose

  [[nodiscard]] bool contains(const PubKey& user) const { return followers_.count(user) != 0; }
  [[nodiscard]] const std::map<PubKey, Follower>& all() const noexcept { return followers_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return heap_bytes(followers_); }

 private:
  bool save(const PubKey& follower, const Follower& state);

  const Config& config_;
  Host& host_;
  std::map<PubKey, Follower> followers_;
};

}  // namespace np2p
