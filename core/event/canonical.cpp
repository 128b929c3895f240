#include "core/event/canonical.h"

#include <openssl/evp.h>

#include "core/base/assert.h"
#include "core/event/json_text.h"

namespace np2p {
namespace {

// Looking the algorithm up costs more than hashing a short event, so it is looked up once. The pointer and what it
// points to never change afterwards: a constant that only the library can make.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  NP2P_ASSERT(algorithm != nullptr);
  return algorithm;
}

}  // namespace

std::string canonical_bytes(const Event& event) {
  std::string out;
  // Room for the fixed parts, for quotes and commas, and for a few escapes: nearly always one allocation.
  out.reserve(128 + event.content.size() + event.content.size() / 16 + event.tags.bytes() + 3 * event.tags.values() +
              3 * event.tags.size());
  out.append("[0,");
  json_text::append_hex(out, event.pubkey.view());
  out.push_back(',');
  json_text::append_number(out, event.created_at);
  out.push_back(',');
  json_text::append_number(out, event.kind);
  out.push_back(',');
  json_text::append_tags(out, event.tags);
  out.push_back(',');
  json_text::append_string(out, event.content);
  out.push_back(']');
  return out;
}

EventId id_of_canonical(std::string_view canonical) {
  EventId id;
  unsigned size = 0;
  const int done = EVP_Digest(canonical.data(), canonical.size(), id.data.data(), &size, sha256(), nullptr);
  NP2P_ASSERT(done == 1 && size == EventId::size);
  return id;
}

EventId compute_id(const Event& event) {
  return id_of_canonical(canonical_bytes(event));
}

}  // namespace np2p
