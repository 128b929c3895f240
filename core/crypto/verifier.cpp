#include "core/crypto/verifier.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "core/base/assert.h"

namespace np2p {

struct SecpVerifier::Impl {
  Impl() : context(secp256k1_context_create(SECP256K1_CONTEXT_NONE)) { NP2P_ASSERT(context != nullptr); }
  ~Impl() { secp256k1_context_destroy(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  secp256k1_context* context;
};

SecpVerifier::SecpVerifier() : impl_(std::make_unique<Impl>()) {}
SecpVerifier::~SecpVerifier() = default;

bool SecpVerifier::verify(const EventId& id, const PubKey& key, const Signature& sig) {
  return verify_message(id.view(), key, sig);
}

bool SecpVerifier::verify_message(ByteView message, const PubKey& key, const Signature& sig) {
  secp256k1_xonly_pubkey point;
  if (secp256k1_xonly_pubkey_parse(impl_->context, &point, key.data.data()) != 1) return false;
  return secp256k1_schnorrsig_verify(impl_->context, sig.data.data(), message.data(), message.size(), &point) == 1;
}

}  // namespace np2p
