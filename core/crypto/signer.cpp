#include "core/crypto/signer.h"

#include "core/crypto/secret.h"
#include "core/event/canonical.h"

namespace np2p {

struct Signer::Impl {
  crypto::KeyPair keys;
  PubKey public_key;
};

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

Result<Signer> Signer::from_secret(const SecretKey& secret) {
  auto impl = std::make_unique<Impl>();
  if (!impl->keys.set(secret)) return error(ErrorCode::bad_field, "the secret key is zero or too large");
  impl->public_key = impl->keys.public_key<PubKey>();
  return Signer(std::move(impl));
}

Signer Signer::from_seed(std::uint64_t seed, std::uint64_t index) {
  std::array<std::uint8_t, 24> input{};  // seed, index, attempt, each little-endian
  for (unsigned i = 0; i < 8; ++i) {
    input[i] = static_cast<std::uint8_t>(seed >> (8 * i));
    input[8 + i] = static_cast<std::uint8_t>(index >> (8 * i));
  }
  for (;; ++input[16]) {  // a hash that is no key has probability 2^-128; then the next one
    const SecretKey secret{crypto::tagged_hash("np2p/user-from-seed/v1", input)};
    Result<Signer> signer = from_secret(secret);
    if (signer.ok()) return std::move(signer).value();
  }
}

const PubKey& Signer::public_key() const noexcept {
  return impl_->public_key;
}

const SecretKey& Signer::secret() const noexcept {
  return impl_->keys.secret();
}

Event Signer::sign(std::uint16_t kind, std::int64_t created_at, Tags tags, std::string content) const {
  Event event;
  event.pubkey = impl_->public_key;
  event.created_at = created_at;
  event.kind = kind;
  event.tags = std::move(tags);
  event.content = std::move(content);
  event.id = compute_id(event);
  event.sig = sign_hash(event.id);
  return event;
}

Signature Signer::sign_hash(const EventId& id) const {
  return impl_->keys.sign(id.data);
}

}  // namespace np2p
