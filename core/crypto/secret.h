// What signer and node key share: a libsecp256k1 key pair, and forgetting it. Private to core/crypto.
#pragma once

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <array>
#include <string_view>

#include "core/base/assert.h"
#include "core/event/nip19.h"

namespace np2p::crypto {

// Making a context costs more than a signature, and signing only reads it (libsecp256k1 promises that), so all keys of
// the process share one.
inline const secp256k1_context* context() {
  struct Shared {
    secp256k1_context* context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    ~Shared() { secp256k1_context_destroy(context); }
  };
  static const Shared shared;
  NP2P_ASSERT(shared.context != nullptr);
  return shared.context;
}

class KeyPair {
 public:
  KeyPair() = default;
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair() {
    wipe(&pair_, sizeof pair_);
    wipe(&secret_, sizeof secret_);
  }

  // False if the secret is zero or not below the group order.
  bool set(const SecretKey& secret) noexcept {
    if (secp256k1_keypair_create(context(), &pair_, secret.data.data()) != 1) return false;
    secret_ = secret;
    return true;
  }
  template <class Key>
  [[nodiscard]] Key public_key() const noexcept {
    secp256k1_xonly_pubkey point;
    Key key;
    NP2P_ASSERT(secp256k1_keypair_xonly_pub(context(), &point, nullptr, &pair_) == 1);
    NP2P_ASSERT(secp256k1_xonly_pubkey_serialize(context(), key.data.data(), &point) == 1);
    return key;
  }
  [[nodiscard]] const SecretKey& secret() const noexcept { return secret_; }
  // Without auxiliary randomness: BIP-340 derives the nonce from key and message, so a signature is a pure function.
  [[nodiscard]] Signature sign(const std::array<std::uint8_t, 32>& hash) const noexcept {
    Signature signature;
    NP2P_ASSERT(secp256k1_schnorrsig_sign32(context(), signature.data.data(), hash.data(), &pair_, nullptr) == 1);
    return signature;
  }

 private:
  // Through volatile, so that the compiler does not drop writes that nobody reads.
  static void wipe(void* memory, std::size_t size) noexcept {
    auto* byte = static_cast<volatile unsigned char*>(memory);
    for (std::size_t i = 0; i < size; ++i) byte[i] = 0;
  }
  secp256k1_keypair pair_{};
  SecretKey secret_;
};

inline std::array<std::uint8_t, 32> tagged_hash(std::string_view tag, ByteView message) noexcept {
  std::array<std::uint8_t, 32> hash{};
  // libsecp256k1 aborts on a null pointer even where the length is zero.
  const std::uint8_t* const at = message.empty() ? hash.data() : message.data();
  const std::uint8_t* const tag_at = tag.empty() ? hash.data() : bytes_of(tag).data();
  NP2P_ASSERT(secp256k1_tagged_sha256(context(), hash.data(), tag_at, tag.size(), at, message.size()) == 1);
  return hash;
}

}  // namespace np2p::crypto
