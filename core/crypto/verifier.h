// The real Verifier: libsecp256k1's BIP-340 (schnorrsig module). Thread-compatible: one per thread.
//
// It remembers the points of the keys seen last, because finding a key's point costs a tenth of a verification and
// authors come again. 96 bytes a key, in one table of fixed size where a key has one possible place: nothing that a
// stranger sends makes it grow, or makes a lookup slow. What it answers does not depend on what it remembers.
#pragma once

#include <cstddef>
#include <memory>

#include "core/event/verifier.h"

namespace np2p {

class SecpVerifier final : public Verifier {
 public:
  explicit SecpVerifier(std::size_t remembered_keys = 256);  // a power of two; 0 remembers nothing
  ~SecpVerifier() override;
  bool verify(const EventId& id, const PubKey& key, const Signature& sig) override;
  // The general form, for node signatures and for BIP-340's vectors with messages of any length.
  bool verify_message(ByteView message, const PubKey& key, const Signature& sig);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
