#include "core/crypto/node_key.h"

#include "core/crypto/secret.h"

namespace np2p {

struct SecpNodeKey::Impl {
  crypto::KeyPair keys;
  NodeId id;
};

SecpNodeKey::SecpNodeKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SecpNodeKey::~SecpNodeKey() = default;

Result<std::unique_ptr<SecpNodeKey>> SecpNodeKey::from_secret(const SecretKey& secret) {
  auto impl = std::make_unique<Impl>();
  if (!impl->keys.set(secret)) return error(ErrorCode::bad_field, "the node's secret key is zero or too large");
  impl->id = impl->keys.public_key<NodeId>();
  return std::unique_ptr<SecpNodeKey>(new SecpNodeKey(std::move(impl)));
}

std::unique_ptr<SecpNodeKey> SecpNodeKey::generate(Entropy& entropy) {
  for (;;) {  // 32 random bytes that are no key have probability 2^-128
    SecretKey secret;
    entropy.fill(secret.data);
    auto key = from_secret(secret);
    if (key.ok()) return std::move(key).value();
  }
}

const NodeId& SecpNodeKey::id() const noexcept {
  return impl_->id;
}

Signature SecpNodeKey::sign(std::string_view tag, ByteView message) {
  return impl_->keys.sign(crypto::tagged_hash(tag, message));
}

const SecretKey& SecpNodeKey::secret() const noexcept {
  return impl_->keys.secret();
}

bool SecpNodeKey::verify(const NodeId& id, std::string_view tag, ByteView message, const Signature& signature) {
  secp256k1_xonly_pubkey point;
  if (secp256k1_xonly_pubkey_parse(crypto::context(), &point, id.data.data()) != 1) return false;
  const auto hash = crypto::tagged_hash(tag, message);
  return secp256k1_schnorrsig_verify(crypto::context(), signature.data.data(), hash.data(), hash.size(), &point) == 1;
}

}  // namespace np2p
