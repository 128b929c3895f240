// Mailboxes for who is away. A user's server (the ward) has up to three other users' servers keep for it what authors
// could not deliver; FOLLOW names them. Three roles, which know nothing of each other:
//
//   the author's server   leaves what a follower did not take with two of its guardians      postman.h
//                         and asks these before whether they have agreed to be that          consents.h
//   the guardian's        keeps it, unread                                                   mailbox.h
//   the ward's            chooses guardians, collects when it is back                        wardship.h
//
//   author -> guardian   AskWards, answered by TellWards; Mail, answered by Mailed once it is durable there
//   ward -> guardian     Guard now and then, answered by Guarded
//   and when it is back  Collect -> MailIndex, MailWant -> MailPart ..., MailTaken
//
// Followers with a guardian that has agreed keep their place with an author for as long as it keeps mail, 30 days after
// their last FOLLOW, and not only for a day. On the mesh of the original there is nothing of all this: there a sender
// is a mere claim.
#pragma once

#include <vector>

#include "core/feed/consents.h"
#include "core/feed/mail_status.h"
#include "core/feed/mailbox.h"
#include "core/feed/postman.h"
#include "core/feed/wardship.h"

namespace np2p {

class Guardians {
 public:
  Guardians(const Config& config, Host& host, Overlay& overlay, Follows& follows, Followers& followers,
            const Positions& positions);

  void load();
  // --- what the author's side hears of its copies
  void sent(const Posting& posting, const std::vector<PubKey>& without_route);
  void copied(const CopyOutcome& outcome);
  // Of one who is behind and gets no copies now: is it away, and has it guardians?
  [[nodiscard]] bool wants_mail(const PubKey& follower, const Followers::Follower& state) const;
  void leave(const Posting& posting, const std::vector<PubKey>& absent);  // who are away from now on
  void confirm(const std::vector<PubKey>& followers);  // before their leases end: do those agree whom they name?
  void heard_from(const PubKey& follower) { postman_.received(follower); }
  void forget(const PubKey& user) { postman_.forget(user); }  // who follows our user no longer
  [[nodiscard]] std::vector<PubKey> named() const { return wardship_.guardians(); }
  [[nodiscard]] bool expects(const MailStream& stream, std::uint64_t seq) const {
    return wardship_.expects(stream, seq);
  }
  [[nodiscard]] std::vector<PubKey> take_seen() { return postman_.take_seen(); }  // followers who are back, it is said

  // --- messages; the answer: letters, as if they had come over their own channels
  std::vector<Delivery> on(const Guard& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const Mail& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const AskWards& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const TellWards& m, const Delivery& from) { return pass(consents_, m, from); }
  std::vector<Delivery> on(const Collect& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const MailWant& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const MailTaken& m, const Delivery& from) { return pass(mailbox_, m, from); }
  std::vector<Delivery> on(const Guarded& m, const Delivery& from) { return pass(wardship_, m, from); }
  std::vector<Delivery> on(const MailIndex& m, const Delivery& from) { return pass(wardship_, m, from); }
  std::vector<Delivery> on(const Mailed& m, const Delivery& from) { return pass(postman_, m, from); }
  std::vector<Delivery> on(const MailPart& m, const Delivery& from);
  void taken(const Delivery& part);

  // Those whose guardians did not take it, or who are not known to have any: the directory may know better.
  [[nodiscard]] std::vector<PubKey> take_lost() { return postman_.take_lost(); }
  void follows_changed() { wardship_.follows_changed(); }
  void durable(Ticket ticket);
  bool topology_changed();  // true: there are neighbours again, after a while without any
  void timer();             // Timer::guardians
  void settle();            // after anything else that may concern who guards whom

  [[nodiscard]] MailStatus status() const;
  [[nodiscard]] std::size_t bytes() const noexcept {
    return postman_.bytes() + mailbox_.bytes() + wardship_.bytes() + consents_.bytes();
  }

 private:
  template <class Role, class Message>
  std::vector<Delivery> pass(Role& role, const Message& message, const Delivery& from) {
    if (!is_on(from)) return {};
    role.on(message, from);
    settle();
    return {};
  }
  bool is_on(const Delivery& from);
  void judge();

  const Config& config_;
  Host& host_;
  Overlay& overlay_;
  Follows& follows_;
  Mailbox mailbox_;
  Consents consents_;
  Postman postman_;
  Wardship wardship_;
  std::optional<MonoTime> woken_at_;
  std::optional<MonoTime> alone_since_;  // without neighbours
  bool is_back_ = false;                 // so far without neighbours; what was missed is to be asked for
  std::optional<MonoTime> judge_at_;     // did guardians tell what was missed?
  std::uint64_t fetched_ = 0;
};

}  // namespace np2p
