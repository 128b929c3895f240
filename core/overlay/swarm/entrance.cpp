#include "core/overlay/swarm/entrance.h"

#include <algorithm>

namespace np2p::swarm {
namespace {

constexpr Duration kFirstPause = 1s;
constexpr Duration kLongestPause = 1min;
constexpr std::size_t kAtOnce = 3;        // doors knocked at in one round, of each kind
constexpr Duration kStay = 3s;            // a door is held this long once inside
constexpr Duration kSave = 10s;           // addresses that come within this are made durable together
constexpr Duration kFirstAnchors = 1min;  // after the start; then
constexpr Duration kAnchorsPause = 10min;
constexpr std::string_view kAnchorsName = "anchors";

}  // namespace

Entrance::Entrance(const Config& config, Host& host, Links& links)
    : config_(config), host_(host), links_(links), rng_(config.seed, "swarm/entrance"), pause_(kFirstPause) {
  anchors_at_ = host_.clock.mono() + kFirstAnchors;
}

void Entrance::start() {
  host_.store.each_value(Table::addresses, [&](std::string_view key, std::string_view) {
    const auto address = Address::parse(key);
    if (address.ok() && book_.size() < config_.limits.address_book) book_.push_back(*address);
  });
  const std::string anchors = host_.store.value(Table::node, kAnchorsName);
  for (std::string_view rest = anchors; !rest.empty() && anchors_.size() < kAnchors;) {
    const auto address = Address::parse(rest.substr(0, rest.find(' ')));
    rest.remove_prefix(std::min(rest.size(), rest.substr(0, rest.find(' ')).size() + 1));
    if (address.ok()) anchors_.push_back(*address);
  }
  knock();
}

// Who is open already is asked again: it may know more by now.
void Entrance::knock() {
  ready_.clear();
  for (const LinkId link : open_) {
    if (links_.find(link) != nullptr) ready_.push_back(link);
  }
  std::vector<Address> named = config_.bootstrap;
  rng_.shuffle(named);
  if (named.size() > kAtOnce) named.resize(kAtOnce);
  std::vector<Address> doors = anchors_;
  doors.insert(doors.end(), named.begin(), named.end());
  for (std::size_t i = 0; i < std::min(kAtOnce, book_.size()); ++i) {
    doors.push_back(book_[static_cast<std::size_t>(rng_.below(book_.size()))]);
  }
  for (const Address& door : doors) {
    const bool there =
        std::any_of(ready_.begin(), ready_.end(), [&](LinkId link) { return links_.find(link)->listens == door; });
    if (there) continue;
    const LinkId link = links_.dial(door, Use::joining);
    if (link && std::find(open_.begin(), open_.end(), link) == open_.end()) open_.push_back(link);
  }
  retry_at_ = host_.clock.mono() + rng_.between(pause_, pause_ * 2);
  pause_ = std::min(pause_ * 2, kLongestPause);
}

void Entrance::changed(const LinkChange& change, bool inside) {
  if ((change.uses >> static_cast<unsigned>(Use::joining) & 1u) == 0) return;
  if (change.kind == LinkChange::Kind::ready) {
    if (std::find(open_.begin(), open_.end(), change.link) == open_.end()) open_.push_back(change.link);
    if (inside) {
      let_go();
    } else {
      ready_.push_back(change.link);
    }
    return;
  }
  std::erase(open_, change.link);
  std::erase(ready_, change.link);
}

void Entrance::inside(bool value) {
  if (value == inside_) return;
  inside_ = value;
  const MonoTime now = host_.clock.mono();
  pause_ = kFirstPause;
  // Inside, the doors stay open a little for those who come the same way; outside, in with the next chance.
  retry_at_ = value ? now + kStay : now + rng_.between(kFirstPause, 2 * kFirstPause);
}

void Entrance::let_go() {
  const std::vector<LinkId> links = std::move(open_);
  open_.clear();
  ready_.clear();
  for (const LinkId link : links) links_.drop_use(link, Use::joining);
}

std::optional<MonoTime> Entrance::next_due() const noexcept {
  std::optional<MonoTime> next = inside_ ? std::optional(anchors_at_) : std::nullopt;
  for (const auto& at : {retry_at_, save_at_}) {
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

void Entrance::due(MonoTime now) {
  if (save_at_ && *save_at_ <= now) {
    save_at_.reset();
    host_.store.flush();
  }
  if (!retry_at_ || *retry_at_ > now) return;
  retry_at_.reset();
  if (inside_) {
    let_go();
  } else {
    knock();
  }
}

void Entrance::remember(const PeerRef& ref, bool dialled) {
  const std::size_t most = config_.limits.address_book;
  if (most == 0 || (!dialled && book_.size() * 2 >= most)) return;
  if (std::find(book_.begin(), book_.end(), ref.address) != book_.end()) return;
  if (book_.size() >= most) {
    host_.store.erase_value(Table::addresses, book_.front().text());
    book_.erase(book_.begin());
  }
  book_.push_back(ref.address);
  host_.store.set_value(Table::addresses, ref.address.text(), ref.id.hex());
  if (!save_at_) save_at_ = host_.clock.mono() + kSave;
}

// Where there are fewer now those of before stand in: a node that loses all its links has not lost its anchors.
void Entrance::keep_anchors(const std::vector<PeerRef>& anchors) {
  anchors_at_ = host_.clock.mono() + kAnchorsPause;
  std::vector<Address> kept;
  for (const PeerRef& one : anchors) kept.push_back(one.address);
  for (const Address& one : anchors_) {
    if (std::find(kept.begin(), kept.end(), one) == kept.end()) kept.push_back(one);
  }
  if (kept.size() > kAnchors) kept.resize(kAnchors);
  if (kept == anchors_) return;
  anchors_ = kept;
  std::string text;
  for (const Address& one : anchors_) text += (text.empty() ? "" : " ") + one.text();
  host_.store.set_value(Table::node, kAnchorsName, text);
  if (!save_at_) save_at_ = host_.clock.mono() + kSave;
}

bool Entrance::is_linked(const Address& address) const noexcept {
  return std::any_of(links_.ready().begin(), links_.ready().end(),
                     [&](const Peer& peer) { return peer.listens == address; });
}

// Named ones and remembered ones have the same chance, however many they are.
std::optional<Address> Entrance::elsewhere(Rng& rng) const {
  const bool named_first = rng.below(2) == 0;
  for (const bool named : {named_first, !named_first}) {
    std::optional<Address> chosen;
    std::uint64_t candidates = 0;
    for (const Address& one : named ? config_.bootstrap : book_) {
      if (one == links_.listens() || is_linked(one)) continue;
      ++candidates;
      if (rng.below(candidates) == 0) chosen = one;
    }
    if (chosen) return chosen;
  }
  return std::nullopt;
}

std::optional<LinkId> Entrance::next() {
  if (ready_.empty()) return std::nullopt;
  const LinkId link = ready_.back();
  ready_.pop_back();
  return link;
}

}  // namespace np2p::swarm
