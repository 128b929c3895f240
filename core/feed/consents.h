// Do those agree whom followers name as their guardians? Anybody can name three strangers, and would get a lease of a
// month, and those strangers mail, for it. So an author's server asks a guardian before it leaves anything with it, and
// before it waits for a follower any longer than for one without guardians: one message for all followers that name the
// same, when it is needed, and not before. Who has taken in a ward by Guard (mailbox.h) says so.
//
//   author -> guardian   AskWards, answered by TellWards
//
// What was agreed is kept with the follower (followers.h) until it names others. A refusal holds for six hours; who is
// silent is asked again after ten minutes, if it is still needed. Guardians of an earlier version never answer: they
// are not confirmed, get no mail, and whoever has none but these has the lease of one without guardians (and so has a
// follower whose guardians are all away as long as that lease lasts). It is the same with those whom the directory
// names, whose record says nothing of what they think.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/heap_bytes.h"
#include "core/base/token_bucket.h"
#include "core/feed/askers.h"
#include "core/feed/followers.h"
#include "core/feed/mail_post.h"
#include "core/host/host.h"
#include "core/overlay/overlay.h"

namespace np2p {

class Consents {
 public:
  enum class State : std::uint8_t { agreed, unknown, refused };  // refused: or silent lately
  enum class Asked : std::uint8_t { yes, no_way, later };        // later: too much is asked at the moment
  // Is that follower a ward of ours?
  using Guards = std::function<bool(const PubKey&)>;

  Consents(const Config& config, Host& host, Followers& followers, MailPost post, Guards guards);

  [[nodiscard]] State state(const PubKey& guardian, const PubKey& ward) const;
  // It names nobody, or nobody who could still agree.
  [[nodiscard]] bool is_alone(const PubKey& ward) const;
  // Of those who are not known; who is being asked about is not asked about twice. `yes`: within some seconds it is
  // known, or taken for a refusal.
  Asked ask(const PubKey& guardian, const std::vector<PubKey>& wards);
  void confirm(const std::vector<PubKey>& wards);  // all guardians of these

  void on(const TellWards& message, const Delivery& from);
  [[nodiscard]] std::vector<PubKey> take_answered() { return std::exchange(answered_, {}); }  // about these wards
  [[nodiscard]] std::optional<MonoTime> next_due() const { return next_due_; }
  void due(MonoTime now);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return heap_bytes(questions_) + heap_bytes(answered_) + pace_.bytes();
  }

 private:
  enum class Stage : std::uint8_t { open, silent, refused };
  struct Question {
    Stage stage = Stage::open;
    unsigned asked = 0;
    MonoTime at;  // of the next attempt; or then it is forgotten
  };
  using Key = std::pair<PubKey, PubKey>;  // guardian and ward
  void put(const Key& key, Stage stage, Duration until);
  void strike(const PubKey& guardian, const PubKey& ward, LinkId link);
  Asked send(const PubKey& guardian, const std::vector<PubKey>& wards);

  const Config& config_;
  Host& host_;
  Followers& followers_;
  MailPost post_;
  Guards guards_;
  TokenBucket messages_;
  Askers pace_;  // of those because of whom is asked
  std::map<Key, Question> questions_;
  std::optional<MonoTime> next_due_;  // nothing is to be done before
  std::vector<PubKey> answered_;
};

}  // namespace np2p
