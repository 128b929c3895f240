// The real Verifier: libsecp256k1's BIP-340 (schnorrsig module). Thread-compatible: one per thread.
#pragma once

#include <memory>

#include "core/event/verifier.h"

namespace np2p {

class SecpVerifier final : public Verifier {
 public:
  SecpVerifier();
  ~SecpVerifier() override;
  bool verify(const EventId& id, const PubKey& key, const Signature& sig) override;
  // The general form, for node signatures and for BIP-340's vectors with messages of any length.
  bool verify_message(ByteView message, const PubKey& key, const Signature& sig);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
