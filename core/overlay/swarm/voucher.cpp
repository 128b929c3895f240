#include "core/overlay/swarm/voucher.h"

#include <algorithm>

#include "core/host/node_signature.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::string_view kTag = "np2p/answer/v1";
constexpr std::size_t kSize = 1 + NodeId::size + Signature::size;

// The number, and each record with its length.
ByteVec covered(std::uint64_t query, const std::vector<ByteVec>& records) {
  FieldWriter out;
  out.number(query);
  out.records(records);
  return out.out();
}

}  // namespace

void vouch(std::vector<ByteVec>& records, std::uint64_t query, NodeKey& key, std::string_view network) {
  const Signature signature = sign_as_node(key, kTag, network, covered(query, records));
  FieldWriter out;
  out.number(static_cast<std::uint8_t>(RecordType::voucher));
  out.fixed(key.id());
  out.fixed(signature);
  records.push_back(out.out());
}

std::optional<NodeId> take_voucher(std::vector<ByteVec>& records, std::uint64_t query, Verifier& verifier,
                                   std::string_view network) {
  const auto at = std::find_if(records.begin(), records.end(),
                               [](const ByteVec& record) { return is_of(RecordType::voucher, record); });
  if (at == records.end()) return std::nullopt;
  const ByteVec voucher = std::move(*at);
  records.erase(at);
  if (voucher.size() != kSize) return std::nullopt;
  const auto keeper = NodeId::from(ByteView(voucher).subspan(1, NodeId::size));
  const auto signature = Signature::from(ByteView(voucher).subspan(1 + NodeId::size));
  const bool good = is_signed_by(*keeper, kTag, network, covered(query, records), *signature, verifier);
  return good ? keeper : std::nullopt;
}

}  // namespace np2p::swarm
