// The real NodeKey: a secp256k1 key of the node's own. realnet keeps it in the data directory (mode 0600).
#pragma once

#include <memory>

#include "core/base/result.h"
#include "core/event/nip19.h"
#include "core/host/entropy.h"
#include "core/host/node_key.h"

namespace np2p {

class SecpNodeKey final : public NodeKey {
 public:
  static Result<std::unique_ptr<SecpNodeKey>> from_secret(const SecretKey& secret);
  static std::unique_ptr<SecpNodeKey> generate(Entropy& entropy);
  ~SecpNodeKey() override;
  [[nodiscard]] const NodeId& id() const noexcept override;
  Signature sign(std::string_view tag, ByteView message) override;
  PairMac pair_mac(const NodeId& peer, ByteView message) override;
  [[nodiscard]] const SecretKey& secret() const noexcept;

  // Checks a signature made by sign() of the node `id`.
  static bool verify(const NodeId& id, std::string_view tag, ByteView message, const Signature& signature);

 private:
  struct Impl;
  explicit SecpNodeKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
