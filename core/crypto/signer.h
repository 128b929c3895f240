// A user's key, for those who are clients: simulated users, the CLI, tests. No server code links this.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/nip19.h"

namespace np2p {

class Signer {
 public:
  // Error bad_field if the secret is zero or not below the group order.
  static Result<Signer> from_secret(const SecretKey& secret);
  // A key that is a pure function of the seed (simulated users: the same in every run). Never for real keys.
  static Signer from_seed(std::uint64_t seed, std::uint64_t index);
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

  [[nodiscard]] const PubKey& public_key() const noexcept;
  [[nodiscard]] const SecretKey& secret() const noexcept;
  // Fills in pubkey, id and sig. Deterministic: auxiliary randomness is the key's own (BIP-340 allows it).
  [[nodiscard]] Event sign(std::uint16_t kind, std::int64_t created_at, Tags tags, std::string content) const;
  [[nodiscard]] Signature sign_hash(const EventId& id) const;

 private:
  struct Impl;
  explicit Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace np2p
