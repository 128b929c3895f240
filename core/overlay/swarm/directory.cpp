#include "core/overlay/swarm/directory.h"

#include <algorithm>

#include "core/base/hash.h"

namespace np2p::swarm {
namespace {

constexpr std::size_t kReplicas = 8;
constexpr std::size_t kFirstHops = 3;
constexpr Duration kAnswerTime = 10s;  // after this nobody waits for an answer any more
constexpr std::int64_t kSlack = 600;   // seconds by which clocks may differ
constexpr std::int64_t kSweep = 60;    // seconds between looks for what has expired

}  // namespace

Directory::Directory(const Config& config, Host& host, Links& links, const Fingers& fingers)
    : config_(config), host_(host), links_(links), fingers_(fingers) {}

void Directory::put(const Key& key, const ByteVec& record) {
  if (const LinkId link = fingers_.toward(key.data)) {
    links_.send(link, Put{key, 0, {record}}, Priority::control, Traffic::control);
    return;
  }
  if (links_.listens().is_unspecified()) return;  // nobody to ask yet
  keep(key, record, {});
  for (const LinkId link : fingers_.nearest(key.data, kReplicas - 1)) {
    links_.send(link, Replicate{key, {record}}, Priority::control, Traffic::control);
  }
}

// Each first hop is asked under a number of its own, so that none of them can answer for another.
std::size_t Directory::get(const Key& key, std::uint64_t query) {
  std::size_t asked = 0;
  std::vector<ByteVec> own = held(key);
  if (!own.empty()) {
    answers_.push_back({query, std::move(own)});
    ++asked;
  }
  for (const LinkId link : fingers_.nearest(key.data, kFirstHops)) {
    ++asked;
    ask(link, Get{key, mix64(query + asked), 0}, query, {});
  }
  return asked;
}

void Directory::ask(LinkId link, const Get& question, std::uint64_t own, LinkId from) {
  const MonoTime now = host_.clock.mono();
  while (!asked_.empty() &&
         (asked_.front().at + kAnswerTime <= now || asked_.size() >= config_.limits.pending_queries)) {
    asked_.erase(asked_.begin());
  }
  asked_.push_back({question.query, own, from, link, now});
  links_.send(link, question, Priority::control, from ? Traffic::relay : Traffic::control);
}

std::optional<Directory::Answer> Directory::next() {
  if (answers_.empty()) return std::nullopt;
  Answer answer = std::move(answers_.front());
  answers_.erase(answers_.begin());
  return answer;
}

void Directory::on(Peer& from, const Put& message) {
  const LinkId onward = message.hops < config_.limits.hops ? fingers_.toward(message.key.data) : LinkId{};
  if (onward && onward != from.link) {
    Put on_its_way = message;
    ++on_its_way.hops;
    host_.observer.frame_was(Traffic::relay);
    links_.send(onward, on_its_way, Priority::control, Traffic::relay);
    return;
  }
  if (links_.listens().is_unspecified()) return;
  for (const ByteVec& record : message.records) keep(message.key, record, from.link);
  const Frame copy = encode(Replicate{message.key, message.records});
  for (const LinkId link : fingers_.nearest(message.key.data, kReplicas - 1)) {
    if (link != from.link) links_.send(link, copy, Priority::control, Traffic::control);
  }
}

void Directory::on(Peer& from, const Replicate& message) {
  if (links_.listens().is_unspecified()) return;
  for (const ByteVec& record : message.records) keep(message.key, record, from.link);
}

void Directory::on(Peer& from, const Get& message) {
  const LinkId back = from.link;
  std::vector<ByteVec> records = held(message.key);
  const LinkId onward =
      records.empty() && message.hops < config_.limits.hops ? fingers_.toward(message.key.data) : LinkId{};
  if (!onward || onward == back) {
    links_.send(back, Got{message.query, message.hops, std::move(records)}, Priority::control, Traffic::control);
    return;
  }
  Get on_its_way = message;
  ++on_its_way.hops;
  host_.observer.frame_was(Traffic::relay);
  ask(onward, on_its_way, 0, back);
}

void Directory::on(Peer& from, const Got& message) {
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& one) { return one.query == message.query && one.to == from.link; });
  if (asked == asked_.end()) {
    return host_.observer.rejected("answer", error(ErrorCode::not_found, "nobody asked"), from.link);
  }
  const LinkId back = asked->from;
  const std::uint64_t own = asked->own;
  asked_.erase(asked);
  if (!back) {
    answers_.push_back({own, message.records});
    return;
  }
  host_.observer.frame_was(Traffic::relay);
  links_.send(back, message, Priority::control, Traffic::relay);
}

// --- records

void Directory::keep(const Key& key, const ByteVec& record, LinkId from) {
  expire();
  const auto refuse = [&](ErrorCode code, const char* why) {
    host_.observer.rejected("record", error(code, why), from);
  };
  const auto plain = decode_contact(record);
  if (!plain.ok()) return host_.observer.rejected("record", plain.error(), from);
  const std::int64_t now = unix_seconds(host_.clock.wall());
  const std::int64_t life = config_.limits.contact_life / 1s;
  if (plain->expires <= now || plain->expires > now + life + kSlack) {
    return refuse(ErrorCode::bad_field, "a contact that has expired or never does");
  }
  if (directory_key(plain->owner) != key) return refuse(ErrorCode::bad_field, "a contact under another's key");
  const auto begin = std::lower_bound(stored_.begin(), stored_.end(), key,
                                      [](const Stored& a, const Key& wanted) { return a.key < wanted; });
  auto at = begin;
  std::size_t claims = 0;
  while (at != stored_.end() && at->key == key && at->node != plain->node) {
    ++at;
    ++claims;
  }
  const bool known = at != stored_.end() && at->key == key;
  if (known && plain->sequence <= at->sequence) return;  // held already, or a replay
  if (!known && claims >= config_.limits.claims) return refuse(ErrorCode::full, "a claim too many");
  if (!known && stored_.size() >= config_.limits.directory_records) return refuse(ErrorCode::full, "no room");
  if (!checks_.take(host_.clock.mono())) return refuse(ErrorCode::rate_limited, "too many records at once");
  const auto verified = verify_contact(record, host_.verifier, config_.network_id);
  if (!verified.ok()) return host_.observer.rejected("record", verified.error(), from);
  if (known) {
    at->sequence = plain->sequence;
    at->expires = plain->expires;
    at->record = record;
  } else {
    stored_.insert(at, {key, plain->node, plain->sequence, plain->expires, now, record});
  }
}

// Oldest claim first: it serves.
std::vector<ByteVec> Directory::held(const Key& key) {
  expire();
  std::vector<ByteVec> records;
  auto at = std::lower_bound(stored_.begin(), stored_.end(), key,
                             [](const Stored& a, const Key& wanted) { return a.key < wanted; });
  for (; at != stored_.end() && at->key == key; ++at) records.push_back(at->record);
  return records;
}

void Directory::expire() {
  const std::int64_t now = unix_seconds(host_.clock.wall());
  if (now < expired_at_ + kSweep) return;
  expired_at_ = now;
  std::erase_if(stored_, [&](const Stored& one) { return one.expires <= now; });
}

}  // namespace np2p::swarm
