#include "core/feed/guardians.h"

#include <algorithm>

namespace np2p {
namespace {

constexpr Duration kJudge = 20s;         // from the first neighbour on; by then guardians have said what there is
constexpr Duration kSomeSilent = 10min;  // then authors are asked within this
constexpr Duration kAllSilent = 10s;
constexpr Duration kAlone = 30s;  // without neighbours: by then something may have been sent to us in vain

MailPost post_over(Overlay& overlay) {
  return {[&overlay](const PubKey& user, const Extension& message, Priority priority) {
            return overlay.unicast(user, Channel::extension, encode_extension(message), priority);
          },
          [&overlay](const PubKey& user) { return overlay.reaches(user); },
          [&overlay] { return overlay.guardian_record(); },
          [&overlay](const PubKey& user, const ByteVec& record) { return overlay.renew_guardians(user, record); },
          [&overlay](const PubKey& user) { overlay.seek(user); }};
}

}  // namespace

Guardians::Guardians(const Config& config, Host& host, Overlay& overlay, Follows& follows, Followers& followers,
                     const Positions& positions)
    : config_(config),
      host_(host),
      overlay_(overlay),
      follows_(follows),
      mailbox_(config, host, post_over(overlay)),
      consents_(config, host, followers, post_over(overlay),
                [this](const PubKey& user) { return mailbox_.guards(user); }),
      postman_(config, host, followers, consents_, post_over(overlay)),
      wardship_(
          config, host, follows, followers, [&positions](const PubKey& author) { return positions.of(author); },
          post_over(overlay)) {}

bool Guardians::is_on(const Delivery& from) {
  if (config_.overlay != OverlayKind::mesh) return true;
  host_.observer.rejected("mail", error(ErrorCode::forbidden, "nobody is guarded on the mesh"), from.link);
  return false;
}

void Guardians::load() {
  if (config_.overlay == OverlayKind::mesh) return;
  mailbox_.load();
  wardship_.load();
  is_back_ = true;
}

void Guardians::sent(const Posting& posting, const std::vector<PubKey>& without_route) {
  if (config_.overlay == OverlayKind::mesh) return;
  postman_.sent(posting);
  if (without_route.empty()) return;
  postman_.leave(posting, without_route);
  settle();
}

void Guardians::copied(const CopyOutcome& outcome) {
  if (outcome.received) {
    postman_.received(outcome.user);
  } else if (outcome.tried) {
    postman_.missed(outcome.tag, outcome.user);
    settle();
  }
}

bool Guardians::wants_mail(const PubKey& follower, const Followers::Follower& state) const {
  return config_.overlay != OverlayKind::mesh && !state.guardians.empty() && !consents_.is_alone(follower) &&
         (postman_.is_away(follower) || !overlay_.reaches(follower));
}

void Guardians::leave(const Posting& posting, const std::vector<PubKey>& absent) {
  for (const PubKey& follower : absent) postman_.absent(follower);
  postman_.leave(posting, absent);
  settle();
}

void Guardians::confirm(const std::vector<PubKey>& followers) {
  if (config_.overlay == OverlayKind::mesh || followers.empty()) return;
  consents_.confirm(followers);
  settle();
}

std::vector<Delivery> Guardians::on(const MailPart& m, const Delivery& from) {
  if (!is_on(from)) return {};
  std::vector<Delivery> letters = wardship_.on(m, from);
  fetched_ += letters.size();
  return letters;
}

void Guardians::taken(const Delivery& part) {
  if (config_.overlay == OverlayKind::mesh) return;
  wardship_.taken(part);
  settle();
}

void Guardians::durable(Ticket ticket) {
  mailbox_.durable(ticket);
  wardship_.durable(ticket);
  settle();
}

bool Guardians::topology_changed() {
  if (config_.overlay == OverlayKind::mesh) return false;
  const MonoTime now = host_.clock.mono();
  const OverlayStatus status = overlay_.status();
  bool back = false;
  if (status.active + status.clients == 0) {
    if (!alone_since_) alone_since_ = now;
  } else if (const auto since = std::exchange(alone_since_, std::nullopt); since && *since + kAlone <= now) {
    wardship_.returned();
    back = is_back_ = true;
  }
  if (!alone_since_ && std::exchange(is_back_, false)) judge_at_ = now + kJudge;
  wardship_.topology_changed();
  settle();
  return back;
}

// What a silent one holds, its authors have as well.
void Guardians::judge() {
  judge_at_.reset();
  const auto [asked, answered] = wardship_.answers();
  if (answered == 0) return follows_.hurry(kAllSilent);
  if (answered < asked) follows_.hurry(kSomeSilent);
}

void Guardians::timer() {
  woken_at_.reset();
  const MonoTime now = host_.clock.mono();
  if (judge_at_ && *judge_at_ <= now) judge();
  consents_.due(now);
  postman_.consented(consents_.take_answered());
  postman_.due(now);
  mailbox_.due(now);
  wardship_.due(now);
  settle();
}

void Guardians::settle() {
  if (config_.overlay == OverlayKind::mesh) return;
  if (wardship_.take_news()) {
    follows_.set_guardians(wardship_.guardians());
    overlay_.set_guardians(wardship_.guardians());
  }
  for (const PubKey& author : wardship_.take_authors()) follows_.missed_us(author);
  if (const auto wards = consents_.take_answered(); !wards.empty()) postman_.consented(wards);
  std::optional<MonoTime> due;
  for (const auto& at :
       {postman_.next_due(), consents_.next_due(), mailbox_.next_due(), wardship_.next_due(), judge_at_}) {
    if (at && (!due || *at < *due)) due = at;
  }
  if (!due || due == woken_at_) return;
  woken_at_ = due;
  host_.timers.arm(Timer::guardians, *due);
}

MailStatus Guardians::status() const {
  return {wardship_.guardians(), mailbox_.wards(),    mailbox_.letters(), mailbox_.mail_bytes(),
          postman_.posted(),     postman_.unposted(), fetched_,           wardship_.last_return()};
}

}  // namespace np2p
