#include "core/crypto/verifier.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <vector>

#include "core/base/assert.h"

namespace np2p {

struct SecpVerifier::Impl {
  struct Known {
    PubKey key;  // all zero, which is no point of the curve, where nothing is remembered
    secp256k1_xonly_pubkey point;
  };

  explicit Impl(std::size_t remembered) : context(secp256k1_context_create(SECP256K1_CONTEXT_NONE)), known(remembered) {
    NP2P_ASSERT(context != nullptr && (remembered & (remembered - 1)) == 0);
  }
  ~Impl() { secp256k1_context_destroy(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Null if the key is not the x of a point.
  const secp256k1_xonly_pubkey* point_of(const PubKey& key) {
    Known& place = known.empty() ? scratch : known[key.hash() & (known.size() - 1)];
    if (!known.empty() && place.key == key && key != PubKey{}) return &place.point;
    place.key = PubKey{};
    if (secp256k1_xonly_pubkey_parse(context, &place.point, key.data.data()) != 1) return nullptr;
    place.key = key;
    return &place.point;
  }

  secp256k1_context* context;
  std::vector<Known> known;
  Known scratch{};
};

SecpVerifier::SecpVerifier(std::size_t remembered_keys) : impl_(std::make_unique<Impl>(remembered_keys)) {}
SecpVerifier::~SecpVerifier() = default;

bool SecpVerifier::verify(const EventId& id, const PubKey& key, const Signature& sig) {
  return verify_message(id.view(), key, sig);
}

bool SecpVerifier::verify_message(ByteView message, const PubKey& key, const Signature& sig) {
  const secp256k1_xonly_pubkey* const point = impl_->point_of(key);
  if (point == nullptr) return false;
  return secp256k1_schnorrsig_verify(impl_->context, sig.data.data(), message.data(), message.size(), point) == 1;
}

}  // namespace np2p
