#include "core/crypto/node_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1_ecdh.h>

#include <algorithm>
#include <map>

#include "core/crypto/secret.h"

namespace np2p {

struct SecpNodeKey::Impl {
  crypto::KeyPair keys;
  NodeId id;
  std::map<NodeId, std::array<std::uint8_t, 32>> pairs;  // a product costs as much as a signature
};

namespace {
constexpr std::size_t kPairs = 1024;
}

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

// An x-only key stands for two points, which differ in y alone; so does the product, and only its x is hashed.
PairMac SecpNodeKey::pair_mac(const NodeId& peer, ByteView message) {
  PairMac mac{};
  auto known = impl_->pairs.find(peer);
  if (known == impl_->pairs.end()) {
    std::array<std::uint8_t, 33> compressed{2};
    std::copy(peer.data.begin(), peer.data.end(), compressed.begin() + 1);
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_parse(crypto::context(), &point, compressed.data(), compressed.size()) != 1) return mac;
    const auto keep_x = [](unsigned char* out, const unsigned char* x, const unsigned char*, void*) {
      std::copy_n(x, 32, out);
      return 1;
    };
    std::array<std::uint8_t, 32> x{};
    NP2P_ASSERT(secp256k1_ecdh(crypto::context(), x.data(), &point, secret().data.data(), keep_x, nullptr) == 1);
    if (impl_->pairs.size() >= kPairs) impl_->pairs.clear();
    known = impl_->pairs.emplace(peer, crypto::tagged_hash("np2p/route/v1", x)).first;
  }
  std::array<std::uint8_t, 32> hash{};
  unsigned size = 0;
  const auto& key = known->second;
  NP2P_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), hash.data(),
                   &size) != nullptr);
  std::copy_n(hash.begin(), mac.size(), mac.begin());
  return mac;
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
