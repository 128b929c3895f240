// A verifier that remembers its answers, shared by all nodes of a world: a post that reaches 10,000 nodes is checked
// once and lies in memory once. Validation is a pure function, so the memo changes no trace; it is tables of fixed size
// whose entries replace each other.
#pragma once

#include <vector>

#include "core/base/hash.h"
#include "core/crypto/verifier.h"

namespace np2p::sim {

class MemoVerifier final : public Verifier {
 public:
  explicit MemoVerifier(bool remember) : remember_(remember) {}

  bool verify(const EventId& id, const PubKey& key, const Signature& sig) override {
    if (!remember_) return verifier_.verify(id, key, sig);
    if (entries_.empty()) entries_.resize(kEntries);
    const std::uint64_t hash = combine64(combine64(id.hash(), key.hash()), hash_bytes(sig.view()));
    Entry& entry = entries_[hash % kEntries];
    if (entry.used && entry.id == id && entry.key == key && entry.sig == sig) {
      ++hits_;
      return entry.good;
    }
    entry = {id, key, sig, true, verifier_.verify(id, key, sig)};
    return entry.good;
  }
  [[nodiscard]] EventPtr known(const Event& claim) override {
    if (events_.empty()) return {};
    const EventPtr& event = events_[mix64(claim.id.hash()) % kEntries];
    if (!event || !(event.get() == claim)) return {};
    ++hits_;
    return event;
  }
  void keep(const EventPtr& event) override {
    if (!remember_) return;
    if (events_.empty()) events_.resize(kEntries);
    events_[mix64(event->id.hash()) % kEntries] = event;
  }
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_; }

 private:
  static constexpr std::size_t kEntries = 16'384;
  struct Entry {
    EventId id;
    PubKey key;
    Signature sig;
    bool used = false;
    bool good = false;
  };
  bool remember_;
  SecpVerifier verifier_;
  std::vector<Entry> entries_;
  std::vector<EventPtr> events_;  // by id
  std::uint64_t hits_ = 0;
};

}  // namespace np2p::sim
