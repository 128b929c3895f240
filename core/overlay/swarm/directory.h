// Where users' servers are, kept by the reachable nodes nearest to the hash of each public key. Put and Get go greedily
// along fingers; the nearest node stores a record and replicates it to its nearest neighbours, so that any of 8 can
// answer. An answer goes back the way the question came.
//
// Some of these nodes may lie or swallow. So nothing hangs on one of them: a record leaves several times, over
// different first hops, as a question does; whoever hands it on and knows several of the nodes that keep it chooses one
// by lot, and the first of those who gets it keeps and replicates it.
//
// Records are CONTACTs and GUARDIANS, signed by nodes, and BINDs, signed by users. As long as no BIND of a user was
// seen, up to three nodes may claim to serve them, the oldest claim first; from the first BIND on only contacts of the
// bound node are kept and answered, for ever: no claim takes the place of a BIND, and one that has expired opens the
// key to nobody.
#pragma once

#include <optional>
#include <vector>

#include "core/base/rng.h"
#include "core/base/token_bucket.h"
#include "core/overlay/swarm/bindings.h"
#include "core/overlay/swarm/contact.h"
#include "core/overlay/swarm/fingers.h"
#include "core/overlay/swarm/guardian_records.h"

namespace np2p::swarm {

class Directory {
 public:
  Directory(const Config& config, Host& host, Links& links, const Fingers& fingers, Evidence& evidence);

  // Records for the directory, on their way over some first hop; best effort, to be repeated at once, because that hop
  // may swallow them, and before they expire.
  void put(const Key& key, const std::vector<ByteVec>& records);
  // Asks over up to three different first hops; each brings one answer, or none within a few seconds. How many may
  // come. Then, under the same number, over up to 12 further ones.
  std::size_t get(const Key& key, std::uint64_t query, Get::What what = Get::What::contacts);
  std::size_t get_more(const Key& key, std::uint64_t query);
  struct Answer {
    std::uint64_t query = 0;
    std::vector<ByteVec> records;
    NodeId keeper;  // who vouches for it; zero: nobody
  };
  std::optional<Answer> next();  // to our own questions

  // A reachable peer that was not there before. What it is near to is handed to it by who was nearest so far: records
  // do not get lost in a network that grows faster than they are published again.
  void appeared(const Peer& peer);

  void on(Peer& from, const Put& message);
  void on(Peer& from, const Replicate& message);
  void on(Peer& from, const Get& message);
  void on(Peer& from, const Got& message);
  // A BIND that came another way; of a key that nothing is held under it is left to the store.
  void learn(const BindingPtr& binding);
  BindingPtr next_bound();  // news of BINDs that came as records; null: no more
  // Users whose servers' contacts are held under the keys that share so many leading bits with our id.
  [[nodiscard]] std::size_t users_near(std::size_t bits) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return stored_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(stored_, [](const Stored& one) { return heap_bytes(one.record); }) + heap_bytes(asked_) +
           heap_bytes(answers_) + shelf_.bytes();
  }

 private:
  struct Stored {
    Key key;
    NodeId node;
    std::uint64_t sequence = 0;
    std::int64_t expires = 0;
    std::int64_t since = 0;  // of this claim, Unix seconds
    std::int64_t last = 0;   // when its newest contact came
    ByteVec record;          // empty once it has expired: then only the place of the claim is kept
  };
  using Place = std::vector<Stored>::iterator;
  struct Asked {
    std::uint64_t query = 0;  // as it went out
    std::uint64_t own = 0;    // ours, if we ask ourselves
    LinkId from;              // 0: ourselves
    LinkId to;                // the answer comes from there and from nowhere else
    MonoTime at;
  };
  // True: worth replicating, it was good or is held already.
  bool keep(const Key& key, const ByteVec& record, LinkId from);
  bool keep_contact(const Key& key, const ByteVec& record, LinkId from);
  bool keep_guardians(const Key& key, const ByteVec& record, LinkId from);
  bool keep_bind(const Key& key, const ByteVec& record, LinkId from);
  [[nodiscard]] std::vector<ByteVec> keep_all(const Key& key, const std::vector<ByteVec>& records, LinkId from);
  void again(const Stored& held, const ByteVec& record);  // a contact with the sequence of the one that is held
  bool install(const Key& key, const BindingPtr& binding);
  [[nodiscard]] BindingPtr bound(const Key& key, const PubKey& user);
  [[nodiscard]] Place first_of(const Key& key);
  [[nodiscard]] bool room_for_one_more();
  [[nodiscard]] bool answers(const Key& key);  // a contact that holds
  [[nodiscard]] bool takes_part() const noexcept { return !links_.listens().is_unspecified(); }
  [[nodiscard]] bool keeps(const Key& key) const noexcept;
  [[nodiscard]] LinkId onward(const Key& key, LinkId from);
  void take_in(const Key& key, const std::vector<ByteVec>& records, LinkId from);
  std::size_t ask_over(const Key& key, std::uint64_t query, std::size_t first, std::size_t count, Get::What what);
  void ask(LinkId link, const Get& question, std::uint64_t own, LinkId from);
  [[nodiscard]] std::vector<ByteVec> held(const Key& key);
  [[nodiscard]] std::vector<ByteVec> held(const Key& key, std::uint8_t what);
  [[nodiscard]] std::vector<ByteVec> guardians_of(const Key& key);
  void expire();
  [[nodiscard]] bool is_far(const Key& key) const noexcept;  // many are nearer

  const Config& config_;
  Host& host_;
  Links& links_;
  const Fingers& fingers_;
  Evidence& evidence_;
  Rng rng_;
  Bindings bindings_;
  GuardianShelf shelf_;
  std::vector<BindingPtr> news_;
  std::vector<Stored> stored_;  // by key, then by since
  std::vector<Asked> asked_;    // oldest first
  std::vector<Answer> answers_;
  TokenBucket checks_{50, 500};  // signatures of records
  std::int64_t expired_at_ = 0;
};

}  // namespace np2p::swarm
