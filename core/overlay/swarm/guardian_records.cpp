#include "core/overlay/swarm/guardian_records.h"

#include <algorithm>
#include <utility>

#include "core/base/heap_bytes.h"
#include "core/host/node_signature.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::string_view kTag = "np2p/guardians/v1";
constexpr std::uint8_t kType = static_cast<std::uint8_t>(RecordType::guardians);

}  // namespace

ByteVec encode_guardians(const GuardianRecord& record, NodeKey& key, std::string_view network) {
  FieldWriter out;
  out.number(kType);
  out.fixed(record.owner);
  out.fixed(record.node);
  out.number(record.epoch);
  out.number(record.sequence);
  out.number(record.expires);
  out.number(static_cast<std::uint8_t>(record.guardians.size()));
  for (const PubKey& guardian : record.guardians) out.fixed(guardian);
  out.fixed(sign_as_node(key, kTag, network, out.out()));
  return out.out();
}

Result<GuardianRecord> decode_guardians(ByteView record) {
  if (record.size() > kMostGuardianRecord) return error(ErrorCode::too_large, "a record of guardians over the limit");
  if (record.size() < Signature::size) return error(ErrorCode::malformed, "guardians without a signature");
  FieldReader in(record.first(record.size() - Signature::size));
  GuardianRecord found;
  std::uint8_t type = 0;
  std::uint8_t count = 0;
  in.number(type);
  in.fixed(found.owner);
  in.fixed(found.node);
  in.number(found.epoch);
  in.number(found.sequence);
  in.number(found.expires);
  in.number(count);
  if (count > kMostGuardiansNamed) return error(ErrorCode::too_large, "a record of too many guardians");
  found.guardians.resize(count);
  for (PubKey& guardian : found.guardians) in.fixed(guardian);  // what follows belongs to a later version
  if (!in.ok()) return error(ErrorCode::malformed, "guardians that do not parse");
  if (type != kType) return error(ErrorCode::wrong_version, "guardians of another version");
  return found;
}

Result<GuardianRecord> verify_guardians(ByteView record, Verifier& verifier, std::string_view network) {
  auto found = decode_guardians(record);
  if (!found.ok()) return found;
  if (!ends_with_signature_of(found->node, kTag, network, record, verifier)) {
    return error(ErrorCode::bad_signature, "guardians that their node did not sign");
  }
  return found;
}

bool outranks(const GuardianRecord& a, const GuardianRecord& b) noexcept {
  return std::pair(a.epoch, a.sequence) > std::pair(b.epoch, b.sequence);
}

std::vector<GuardianShelf::Kept>::const_iterator GuardianShelf::first_of(const Key& key) const {
  return std::lower_bound(kept_.begin(), kept_.end(), key, [](const Kept& a, const Key& b) { return a.key < b; });
}

const GuardianShelf::Kept* GuardianShelf::find(const Key& key, const NodeId& node) const {
  const Kept* found = nullptr;
  each(key, [&](const Kept& one) { found = one.plain.node == node ? &one : found; });
  return found;
}

bool GuardianShelf::has_room(const Key& key) const {
  std::size_t claims = 0;
  each(key, [&](const Kept&) { ++claims; });
  return claims < config_.limits.claims && kept_.size() < config_.limits.directory_guardians;
}

void GuardianShelf::put(const Key& key, GuardianRecord plain, ByteVec record) {
  if (const Kept* held = find(key, plain.node)) {
    const auto place = kept_.begin() + (held - kept_.data());
    place->plain = std::move(plain);
    place->record = std::move(record);
    return;
  }
  auto at = kept_.begin() + (first_of(key) - kept_.cbegin());
  while (at != kept_.end() && at->key == key) ++at;
  kept_.insert(at, {key, std::move(plain), std::move(record)});
}

std::size_t GuardianShelf::bytes() const noexcept {
  return heap_bytes(kept_, [](const Kept& one) { return heap_bytes(one.record) + heap_bytes(one.plain.guardians); });
}

}  // namespace np2p::swarm
