#include "core/overlay/swarm/guardian_finder.h"

#include <algorithm>
#include <utility>

namespace np2p::swarm {
namespace {

constexpr Duration kAnswers = 3s;
constexpr Duration kSettle = 10s;  // changes of our guardians within this are published together
constexpr Duration kPutAgain = 12h;
constexpr Duration kMakeAgain = 6h;  // so that it is good for 30 days from about now
constexpr std::size_t kSought = 64;

}  // namespace

GuardianFinder::GuardianFinder(const Config& config, Host& host, Directory& directory, Locator& locator,
                               std::uint64_t boot)
    : config_(config),
      host_(host),
      directory_(directory),
      locator_(locator),
      rng_(config.seed, "swarm/guardians"),
      boot_(boot) {}

void GuardianFinder::set_own(std::vector<PubKey> guardians) {
  if (guardians == own_) return;
  own_ = std::move(guardians);
  own_record_.clear();
  put_at_ = host_.clock.mono() + kSettle;
}

ByteVec GuardianFinder::own_record() {
  const Identity identity = locator_.identity();
  const bool serves = identity.state == Identity::State::claimed || identity.state == Identity::State::bound;
  if (!serves || own_.empty()) return {};
  const MonoTime now = host_.clock.mono();
  if (!own_record_.empty() && own_epoch_ == identity.epoch && now < made_at_ + kMakeAgain) return own_record_;
  made_at_ = now;
  own_epoch_ = identity.epoch;
  GuardianRecord record{config_.owner, host_.node_key.id(), identity.epoch, boot_ + ++made_, 0, own_};
  record.expires = unix_seconds(host_.clock.wall() + config_.limits.ward_life);
  return own_record_ = encode_guardians(record, host_.node_key, config_.network_id);
}

bool GuardianFinder::renew(const PubKey& user, const ByteVec& record) {
  const auto found = verify_guardians(record, host_.verifier, config_.network_id);
  const std::int64_t now = unix_seconds(host_.clock.wall());
  if (!found.ok() || found->owner != user || found->expires <= now) return false;
  std::vector<ByteVec> records;
  const BindingPtr binding = stored_binding(host_.store, user);
  if (forbids(binding, found->node, now)) return false;
  if (binding != nullptr) records.push_back(encode_bind(binding->event));
  records.push_back(record);
  directory_.put(directory_key(user), records);
  return true;
}

// --- others

void GuardianFinder::find(const PubKey& user) {
  const bool known = std::any_of(sought_.begin(), sought_.end(), [&](const Sought& one) { return one.user == user; });
  if (known || sought_.size() >= kSought) return;
  Sought fresh;
  fresh.user = user;
  fresh.query = rng_.next();
  fresh.until = host_.clock.mono() + kAnswers;
  fresh.asked = directory_.get(directory_key(user), fresh.query, Get::What::guardians);
  if (fresh.asked > 0) sought_.push_back(std::move(fresh));
}

bool GuardianFinder::answered(const Directory::Answer& answer) {
  const auto sought =
      std::find_if(sought_.begin(), sought_.end(), [&](const Sought& one) { return one.query == answer.query; });
  if (sought == sought_.end()) return false;
  ++sought->came;
  for (const ByteVec& record : answer.records) {
    if (is_of(RecordType::bind, record)) {
      const auto binding = verify_bind_record(record, config_.limits, host_.verifier);
      if (binding.ok() && (*binding)->bind.user == sought->user) {
        directory_.learn(*binding);
        locator_.bound(*binding);
      }
    } else if (is_of(RecordType::guardians, record)) {
      count(*sought, record);
    }
  }
  if (sought->came >= sought->asked) {
    conclude(*sought);
    sought_.erase(sought);
  }
  return true;
}

void GuardianFinder::count(Sought& sought, const ByteVec& record) {
  auto found = verify_guardians(record, host_.verifier, config_.network_id);
  if (!found.ok()) return host_.observer.rejected("record", found.error(), {});
  if (found->owner != sought.user || found->expires <= unix_seconds(host_.clock.wall())) {
    return host_.observer.rejected("record", error(ErrorCode::bad_field, "guardians of somebody else, or of once"), {});
  }
  for (Candidate& one : sought.candidates) {
    if (one.record.node != found->node) continue;
    ++one.votes;
    if (outranks(*found, one.record)) one.record = std::move(*found);
    return;
  }
  if (sought.candidates.size() < 2 * config_.limits.claims) sought.candidates.push_back({std::move(*found), 1});
}

void GuardianFinder::conclude(const Sought& sought) {
  const auto node = locator_.serving(sought.user);
  const Candidate* best = nullptr;
  for (const Candidate& one : sought.candidates) {
    if (node && *node != one.record.node) continue;
    if (best == nullptr || one.votes > best->votes) best = &one;
  }
  if (best != nullptr) found_.push_back({sought.user, best->record.guardians});
}

std::optional<GuardiansOf> GuardianFinder::next() {
  if (found_.empty()) return std::nullopt;
  GuardiansOf one = std::move(found_.front());
  found_.erase(found_.begin());
  return one;
}

std::optional<MonoTime> GuardianFinder::next_due() const noexcept {
  std::optional<MonoTime> first = put_at_;
  for (const Sought& one : sought_) {
    if (!first || one.until < *first) first = one.until;
  }
  return first;
}

void GuardianFinder::due(MonoTime now) {
  if (put_at_ && *put_at_ <= now) {
    put_at_ = now + rng_.between(kPutAgain * 4 / 5, kPutAgain);
    if (const ByteVec record = own_record(); !record.empty()) locator_.publish_with(record);
  }
  for (const Sought& one : sought_) {
    if (one.until <= now) conclude(one);
  }
  std::erase_if(sought_, [now](const Sought& one) { return one.until <= now; });
}

std::size_t GuardianFinder::bytes() const noexcept {
  return heap_bytes(own_) + heap_bytes(sought_) + heap_bytes(found_);
}

}  // namespace np2p::swarm
