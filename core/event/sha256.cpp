#include "core/event/sha256.h"

#include <openssl/evp.h>

#include "core/base/assert.h"

namespace np2p {
namespace {

const EVP_MD* algorithm() {  // fetched once: looking it up costs more than hashing a post
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

}  // namespace

Sha256 sha256(ByteView bytes) {
  Sha256 out{};
  unsigned size = 0;
  NP2P_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, algorithm(), nullptr) == 1 &&
              size == out.size());
  return out;
}

Sha256 sha256(std::initializer_list<ByteView> parts) {
  Sha256 out{};
  unsigned size = 0;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = context != nullptr && EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1;
  for (const ByteView part : parts) good = good && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  good = good && EVP_DigestFinal_ex(context, out.data(), &size) == 1 && size == out.size();
  EVP_MD_CTX_free(context);
  NP2P_ASSERT(good);
  return out;
}

}  // namespace np2p
