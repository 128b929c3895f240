// Whose guardians are in the directory: our own, as a record for whoever keeps it, and those of users whom we look for.
// The answer counts that comes from the node which the user bound; without a BIND, from the one that we know to serve
// the user, or that most answers name.
#pragma once

#include <optional>
#include <vector>

#include "core/overlay/swarm/directory.h"
#include "core/overlay/swarm/locator.h"

namespace np2p::swarm {

class GuardianFinder {
 public:
  GuardianFinder(const Config& config, Host& host, Directory& directory, Locator& locator, std::uint64_t boot);

  void set_own(std::vector<PubKey> guardians);
  [[nodiscard]] ByteVec own_record();  // empty: there is nothing to say
  // Of a user whose server is away. False: it is none, or says nothing that counts any more.
  bool renew(const PubKey& user, const ByteVec& record);

  void find(const PubKey& user);
  bool answered(const Directory::Answer& answer);  // false: not to a question of ours
  std::optional<GuardiansOf> next();
  [[nodiscard]] std::optional<MonoTime> next_due() const noexcept;
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Candidate {
    GuardianRecord record;
    unsigned votes = 0;
  };
  struct Sought {
    PubKey user;
    std::uint64_t query = 0;
    std::size_t asked = 0;
    std::size_t came = 0;
    MonoTime until;
    std::vector<Candidate> candidates;
  };
  void count(Sought& sought, const ByteVec& record);
  void conclude(const Sought& sought);

  const Config& config_;
  Host& host_;
  Directory& directory_;
  Locator& locator_;
  Rng rng_;
  std::uint64_t boot_;
  std::uint64_t made_ = 0;  // records of our own
  std::vector<PubKey> own_;
  ByteVec own_record_;  // of these, made
  MonoTime made_at_;
  std::uint64_t own_epoch_ = 0;
  std::optional<MonoTime> put_at_;
  std::vector<Sought> sought_;
  std::vector<GuardiansOf> found_;
};

}  // namespace np2p::swarm
