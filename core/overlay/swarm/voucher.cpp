#include "core/overlay/swarm/voucher.h"

#include <algorithm>

#include "core/event/sha256.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::string_view kTag = "np2p/answer/v1";
constexpr std::size_t kSize = 1 + NodeId::size + Signature::size;

// The network's name, the number, and each record with its length.
ByteVec covered(std::string_view network, std::uint64_t query, const std::vector<ByteVec>& records) {
  FieldWriter out;
  out.bytes(bytes_of(network));
  out.number(std::uint8_t{0});
  out.number(query);
  out.records(records);
  return out.out();
}

}  // namespace

void vouch(std::vector<ByteVec>& records, std::uint64_t query, NodeKey& key, std::string_view network) {
  const Signature signature = key.sign(kTag, covered(network, query, records));
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
  const Sha256 tag = sha256(bytes_of(kTag));
  const EventId hash{sha256({tag, tag, covered(network, query, records)})};
  if (!verifier.verify(hash, PubKey{keeper->data}, *signature)) return std::nullopt;
  return keeper;
}

}  // namespace np2p::swarm
