#include "core/base/assert.h"
#include "core/crypto/node_key.h"
#include "core/overlay/swarm/contact.h"
#include "core/overlay/swarm/voucher.h"
#include "simnet/adversary/kinds.h"

namespace np2p::sim {

using swarm::Get;
using swarm::Got;
using swarm::Put;
using swarm::Replicate;

LyingDirectory::LyingDirectory(Behaviour manner, Means means) : manner_(manner), means_(std::move(means)) {
  if (manner_ != Behaviour::conspiring_directory) return;
  SecretKey secret;
  Rng rng(means_.seed, "conspiracy");
  for (auto& byte : secret.data) byte = static_cast<std::uint8_t>(rng.next());
  auto made = SecpNodeKey::from_secret(secret);
  NP2P_ASSERT(made.ok());
  conspiracy_ = std::move(made).value();
}

bool LyingDirectory::hears(LinkId link, const swarm::Message& message) {
  if (const Get* question = std::get_if<Get>(&message)) {
    answer(link, *question);
    return false;
  }
  const Put* put = std::get_if<Put>(&message);
  const Replicate* replicate = std::get_if<Replicate>(&message);
  if (put == nullptr && replicate == nullptr) return true;
  if (manner_ == Behaviour::stale_directory) {
    first_.emplace(put != nullptr ? put->key : replicate->key, put != nullptr ? put->records : replicate->records);
  }
  return false;
}

void LyingDirectory::answer(LinkId link, const Get& question) {
  Got lie{question.query, question.hops, {}};
  if (manner_ == Behaviour::silent_directory) return;
  if (manner_ == Behaviour::forging_directory) lie.records = claim(question.key, means_.key);
  if (manner_ == Behaviour::conspiring_directory) lie.records = claim(question.key, *conspiracy_);
  if (const auto first = first_.find(question.key); first != first_.end()) lie.records = first->second;
  if (!lie.records.empty()) swarm::vouch(lie.records, question.query, means_.key, means_.network);
  means_.send(link, lie);
}

// Newer than whatever the user's own server says.
std::vector<ByteVec> LyingDirectory::claim(const swarm::Key& key, NodeKey& claimant) {
  const auto user = means_.user_of(key);
  if (!user) return {};
  swarm::Contact contact;
  contact.owner = *user;
  contact.node = claimant.id();
  contact.listens = means_.address;
  contact.sequence = ~std::uint64_t{0} >> 1;
  contact.expires = unix_seconds(means_.clock.wall()) + 3600;
  return {swarm::encode_contact(contact, claimant, means_.network)};
}

}  // namespace np2p::sim
