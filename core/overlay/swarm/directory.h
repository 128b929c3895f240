// Where users' servers are, kept by the reachable nodes nearest to the hash of each public key. Put and Get go greedily
// along fingers; the nearest node stores a record and replicates it to its nearest neighbours, so that any of 8 can
// answer. An answer goes back the way the question came.
#pragma once

#include <optional>
#include <vector>

#include "core/base/token_bucket.h"
#include "core/overlay/swarm/contact.h"
#include "core/overlay/swarm/fingers.h"

namespace np2p::swarm {

class Directory {
 public:
  Directory(const Config& config, Host& host, Links& links, const Fingers& fingers);

  // Records for the directory, on their way; best effort, to be repeated before they expire.
  void put(const Key& key, const ByteVec& record);
  // Asks over up to three different first hops; each brings one answer, or none within a few seconds. How many may
  // come.
  std::size_t get(const Key& key, std::uint64_t query);
  struct Answer {
    std::uint64_t query = 0;
    std::vector<ByteVec> records;
  };
  std::optional<Answer> next();  // to our own questions

  void on(Peer& from, const Put& message);
  void on(Peer& from, const Replicate& message);
  void on(Peer& from, const Get& message);
  void on(Peer& from, const Got& message);
  [[nodiscard]] std::size_t size() const noexcept { return stored_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(stored_, [](const Stored& one) { return heap_bytes(one.record); }) + heap_bytes(asked_) +
           heap_bytes(answers_);
  }

 private:
  struct Stored {
    Key key;
    NodeId node;
    std::uint64_t sequence = 0;
    std::int64_t expires = 0;
    std::int64_t since = 0;  // of this claim, Unix seconds
    ByteVec record;
  };
  struct Asked {
    std::uint64_t query = 0;  // as it went out
    std::uint64_t own = 0;    // ours, if we ask ourselves
    LinkId from;              // 0: ourselves
    LinkId to;                // the answer comes from there and from nowhere else
    MonoTime at;
  };
  void keep(const Key& key, const ByteVec& record, LinkId from);
  void ask(LinkId link, const Get& question, std::uint64_t own, LinkId from);
  [[nodiscard]] std::vector<ByteVec> held(const Key& key);
  void expire();

  const Config& config_;
  Host& host_;
  Links& links_;
  const Fingers& fingers_;
  std::vector<Stored> stored_;  // by key, then by since
  std::vector<Asked> asked_;    // oldest first
  std::vector<Answer> answers_;
  TokenBucket checks_{50, 500};  // signatures of records
  std::int64_t expired_at_ = 0;
};

}  // namespace np2p::swarm
